"""What an operator can set about the log."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator


class LogLevel(StrEnum):
    """The least severe events that are written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class LogFormat(StrEnum):
    """console: for people; json: one object per line; auto: console on a terminal, json elsewhere."""

    CONSOLE = "console"
    JSON = "json"
    AUTO = "auto"


class LogSettings(BaseModel):
    """Level and form of the log, which goes to stderr."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    level: LogLevel = Field(LogLevel.INFO, alias="LOG_LEVEL", description="Least severe events that are logged.")
    format: LogFormat = Field(
        LogFormat.AUTO,
        alias="LOG_FORMAT",
        description="`console` for people, `json` for one object per line, `auto`: console on a terminal, else json.",
    )

    @field_validator("level", "format", mode="before")
    @classmethod
    def _any_case(cls, value: object, info: object) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if getattr(info, "field_name", "") == "level" else value.lower()

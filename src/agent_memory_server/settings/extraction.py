"""What an operator can set about reading memories out of conversations."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from agent_memory_server.domain.support import Aim

_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False)


class ExtractionSettings(BaseModel):
    """Memories read out of conversations, by rules."""

    model_config = _CONFIG

    discrete: bool = Field(
        True,
        alias="ENABLE_DISCRETE_MEMORY_EXTRACTION",
        description="Read facts, preferences and dated events out of messages, in the background.",
    )
    aim: Aim = Field(
        Aim.BALANCED,
        alias="EXTRACTION_AIM",
        description="`precision`: only what is said outright, in the message's own words; `balanced`; `recall`: "
        "doubtful memories too, marked as such. A session's strategy may say otherwise (`config.aim`).",
    )
    debounce_s: float = Field(
        30,
        ge=0,
        le=86_400,
        alias="EXTRACTION_DEBOUNCE_SECONDS",
        description="A session is read when nothing was added to it for this many seconds.",
    )
    longest_wait_s: float = Field(
        300,
        ge=0,
        le=604_800,
        alias="EXTRACTION_LONGEST_WAIT_SECONDS",
        description="A message of a session that is never quiet waits no longer than this many seconds.",
    )

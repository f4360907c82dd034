"""What an operator can set about the REST server."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")


class ServerSettings(BaseModel):
    """Where the REST server listens, and its limits."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False
    )

    host: str = Field(
        "127.0.0.1",
        alias="HOST",
        description="Address to listen on. On any other than a loopback address the server asks for tokens unless "
        "told otherwise (see Authentication).",
    )
    port: int = Field(8000, ge=0, le=65535, alias="PORT", description="Port of the REST server; 0 picks a free one.")
    max_body_bytes: int = Field(
        10 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        alias="MAX_BODY_BYTES",
        description="Largest request body; a larger one is answered with 413.",
    )
    idempotency_hours: float = Field(
        24.0,
        gt=0,
        le=8760,
        alias="IDEMPOTENCY_HOURS",
        description="How long the answer to a request with an `Idempotency-Key` is kept for repetitions.",
    )

    @field_validator("host")
    @classmethod
    def _an_address(cls, value: str) -> str:
        address = value.strip().removeprefix("[").removesuffix("]")
        if not _HOST.fullmatch(address):
            raise ValueError("an IP address or a host name is needed")
        return address

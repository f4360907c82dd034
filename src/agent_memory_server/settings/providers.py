"""Credentials that provider libraries read from the environment themselves."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ProviderSettings(BaseModel):
    """Keys of Amazon's services, for models named `bedrock/…`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    aws_access_key_id: SecretStr | None = Field(
        None, alias="AWS_ACCESS_KEY_ID", description="Key id for Amazon Bedrock."
    )
    aws_secret_access_key: SecretStr | None = Field(
        None, alias="AWS_SECRET_ACCESS_KEY", description="Key for Amazon Bedrock."
    )
    aws_session_token: SecretStr | None = Field(
        None, alias="AWS_SESSION_TOKEN", description="Session token for Amazon Bedrock."
    )
    region: str | None = Field(
        None, alias="REGION_NAME", description="Region of Amazon Bedrock, where `AWS_REGION_NAME` is not set."
    )


def export_to(environ: MutableMapping[str, str], settings: ProviderSettings, *, dotenv: Path) -> None:
    """Put what `.env` and the settings say where provider libraries look; what is in the environment stays."""
    if dotenv.is_file():
        for name, value in dotenv_values(dotenv, interpolate=False).items():
            if value is not None:
                environ.setdefault(name, value)
    keys = {
        "AWS_ACCESS_KEY_ID": settings.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.aws_secret_access_key,
        "AWS_SESSION_TOKEN": settings.aws_session_token,
    }
    for name, secret in keys.items():
        if secret is not None:
            environ.setdefault(name, secret.get_secret_value())
    if settings.region is not None:
        environ.setdefault("AWS_REGION_NAME", settings.region)

"""Settings of parts that this version does not have.

They are known so that a configuration written for the reference server starts unchanged: values are read and checked,
and a warning at start names those that were set and have no effect. Where ignoring a value could put data in another
place than the operator asked for, the start is refused instead (`refusals`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, SecretStr

_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False)
Share = Annotated[float, Field(ge=0, le=2)]
Source = Literal["LLM", "BERT"]


class LabelSourceSettings(BaseModel):
    """Topics and entities by something else than a chat model."""

    model_config = _CONFIG

    topics: Source = Field("LLM", alias="TOPIC_MODEL_SOURCE", description="What finds topics: a chat model.")
    topic_model: str = Field(
        "MaartenGr/BERTopic_Wikipedia", alias="TOPIC_MODEL", description="Model for the source `BERT`."
    )
    entities: Source = Field("LLM", alias="NER_MODEL_SOURCE", description="What finds entities: a chat model.")
    entity_model: str = Field(
        "dbmdz/bert-large-cased-finetuned-conll03-english",
        alias="NER_MODEL",
        description="Model for the source `BERT`.",
    )


class OAuth2Settings(BaseModel):
    """Signed tokens of an issuer."""

    model_config = _CONFIG

    issuer: str | None = Field(None, alias="OAUTH2_ISSUER_URL", description="Issuer of accepted tokens.")
    audience: str | None = Field(None, alias="OAUTH2_AUDIENCE", description="Audience that tokens must name.")
    jwks_url: str | None = Field(None, alias="OAUTH2_JWKS_URL", description="Where the issuer's keys are.")
    algorithms: Json[list[str]] | list[str] = Field(
        default_factory=lambda: ["RS256"],
        alias="OAUTH2_ALGORITHMS",
        description="Accepted signatures, a JSON list.",
        json_schema_extra={"default": '`["RS256"]`'},
    )
    auth0_client_id: str | None = Field(None, alias="AUTH0_CLIENT_ID", description="Unused by the reference server.")
    auth0_client_secret: SecretStr | None = Field(
        None, alias="AUTH0_CLIENT_SECRET", description="Unused by the reference server."
    )


PLANNED = (LabelSourceSettings, OAuth2Settings)

"""What can be set about chat models."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr


class AskedStructure(StrEnum):
    """auto: the best way the service takes; json_object, text: never a better one than this."""

    AUTO = "auto"
    JSON_OBJECT = "json_object"
    TEXT = "text"


class ChatSettings(BaseModel):
    """Which models answer questions, and how patiently they are asked. None: the server works by rules alone."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )

    generation_model: str | None = Field(
        None,
        min_length=1,
        alias="GENERATION_MODEL",
        description="Extraction and summaries. Its name decides the provider. Not set: the server works by rules.",
    )
    fast_model: str | None = Field(
        None,
        min_length=1,
        alias="FAST_MODEL",
        description="Topics, entities, merging, query rewriting, summary views. Not set: the generation model.",
    )
    slow_model: str | None = Field(
        None, alias="SLOW_MODEL", description="Accepted; nothing uses it, as in the reference server."
    )
    anthropic_base: str | None = Field(
        None, alias="ANTHROPIC_API_BASE", description="Anthropic's API elsewhere than at `https://api.anthropic.com`."
    )
    anthropic_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY", description="Key for Anthropic's API.")
    timeout_s: PositiveFloat = Field(
        120.0, alias="CHAT_TIMEOUT_S", description="The longest a question may take, with all its attempts."
    )
    connect_timeout_s: PositiveFloat = Field(
        5.0,
        alias="CHAT_CONNECT_TIMEOUT_S",
        description="The longest one connection may take: a host that sleeps is noticed early.",
    )
    attempts: PositiveInt = Field(3, alias="CHAT_ATTEMPTS", description="How often a service is asked before it fails.")
    backoff_s: float = Field(
        0.5,
        ge=0,
        alias="CHAT_BACKOFF_S",
        description="The pause before the second attempt; it doubles with each further one, plus up to as much again "
        "at random. A pause that the service asks for comes first.",
    )
    breaker_failures: PositiveInt = Field(
        5,
        alias="CHAT_BREAKER_FAILURES",
        description="After this many failed questions in a row the service is left alone.",
    )
    breaker_cooldown_s: PositiveFloat = Field(
        30.0, alias="CHAT_BREAKER_COOLDOWN_S", description="For how long it is left alone; then one question tries."
    )
    at_once: PositiveInt = Field(
        4, alias="CHAT_CONCURRENCY", description="Questions to one model at a time, in each process."
    )
    tokens_per_day: PositiveInt | None = Field(
        None,
        alias="CHAT_TOKENS_PER_DAY",
        description="Tokens (read and written) that all chat models together may take in a day (UTC). When they are "
        "used up, work that needs a model waits until midnight. Not set: no limit.",
    )
    context_tokens: PositiveInt | None = Field(
        None,
        ge=1024,
        alias="CHAT_CONTEXT_TOKENS",
        description="Context window of the chat models in tokens. Not set: what is known of the model, else 8192.",
    )
    temperature: float | None = Field(
        None, ge=0, le=2, alias="CHAT_TEMPERATURE", description="Randomness of answers. Not set: the provider's own."
    )
    structure: AskedStructure = Field(
        AskedStructure.AUTO,
        alias="CHAT_STRUCTURE",
        description="How a form of answer is asked for. `auto`: by JSON Schema where the service takes it, else as a "
        "JSON object, else in words. `json_object`, `text`: never better than that, for a service that takes more "
        "than it can do.",
    )

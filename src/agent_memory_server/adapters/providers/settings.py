"""What can be set about embeddings."""

from __future__ import annotations

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)


def _variable(field: str) -> str:
    """The environment variable of a field; those of a vendor keep the name its own software uses."""
    return field.upper() if field.startswith(("openai_", "ollama_")) else f"EMBEDDING_{field.upper()}"


class EmbeddingSettings(BaseModel):
    """Which model embeds, and how patiently. The defaults need no network and no key."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=_variable,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    model: str = Field(default="all-MiniLM-L6-v2", min_length=1)
    """The embedding model. Its name decides the provider."""
    dimensions: PositiveInt | None = None
    """Floats per vector. Not set: what is known of the model, else what it answers at start."""
    timeout_s: PositiveFloat = 10.0
    """The longest a call may take, with all its attempts."""
    connect_timeout_s: PositiveFloat = 2.0
    """The longest one connection may take: a host that sleeps is noticed early."""
    attempts: PositiveInt = 3
    """How often a service is asked before a call fails."""
    backoff_s: NonNegativeFloat = 0.2
    """The pause before the second attempt; it doubles with each further one, plus up to as much again at random."""
    breaker_failures: PositiveInt = 5
    """After this many failed calls in a row the service is left alone."""
    breaker_cooldown_s: PositiveFloat = 10.0
    """For how long it is left alone; then one call tries."""
    threads: PositiveInt = 1
    """Threads of the local model."""
    batch_texts: PositiveInt = 64
    """Texts in one request to a service at most."""
    cache_mb: NonNegativeInt = 8
    """Memory for vectors of texts seen lately, 10^6 bytes; 0: none. 8 hold about 4,400 vectors of 384 floats."""
    openai_api_base: str | None = None
    """A service with OpenAI's wire format; when set, it embeds whatever the model is called, and it is asked
    for the chat models whose names name no other provider."""
    openai_api_key: SecretStr | None = None
    """The key for that service, and for OpenAI itself."""
    ollama_api_base: str | None = None
    """Where models named `ollama/…` run. Not set: `http://localhost:11434`."""

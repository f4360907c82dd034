"""What can be set about re-ranking."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

MOST_CANDIDATES = 100
"""What both arms of a search find well; behind them order means little."""


class RerankFormat(StrEnum):
    """How the texts are sent. documents: Cohere, Jina, Voyage, vLLM, llama.cpp and most others; texts: Hugging Face
    Text Embeddings Inference."""

    DOCUMENTS = "documents"
    TEXTS = "texts"


class RerankSettings(BaseModel):
    """A service that re-ranks the first results of hybrid searches, and how patiently it is asked."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )

    url: str | None = Field(
        None,
        pattern=r"^https?://",
        alias="RERANK_URL",
        description="Full address of a rerank service (`http://localhost:8080/rerank`). Not set: nothing is re-ranked.",
    )
    model: str | None = Field(
        None, min_length=1, alias="RERANK_MODEL", description="Name of the model, where the service wants one."
    )
    api_key: SecretStr | None = Field(None, alias="RERANK_API_KEY", description="Key for the service.")
    format: RerankFormat = Field(
        RerankFormat.DOCUMENTS,
        alias="RERANK_FORMAT",
        description="How texts are sent. `documents`: Cohere, Jina, Voyage, vLLM, llama.cpp. `texts`: Text Embeddings "
        "Inference.",
    )
    candidates: PositiveInt = Field(
        30, le=MOST_CANDIDATES, alias="RERANK_CANDIDATES", description="How many of the first results are re-ranked."
    )
    timeout_s: PositiveFloat = Field(
        1.0,
        alias="RERANK_TIMEOUT_S",
        description="The longest a search waits for it, with all attempts; then the order without it is answered.",
    )
    connect_timeout_s: PositiveFloat = Field(
        0.5, alias="RERANK_CONNECT_TIMEOUT_S", description="The longest one connection may take."
    )
    attempts: PositiveInt = Field(1, alias="RERANK_ATTEMPTS", description="How often the service is asked per search.")
    backoff_s: float = Field(
        0.05, ge=0, alias="RERANK_BACKOFF_S", description="The pause before a second attempt; it doubles with each."
    )
    breaker_failures: PositiveInt = Field(
        5, alias="RERANK_BREAKER_FAILURES", description="After this many failures in a row the service is left alone."
    )
    breaker_cooldown_s: PositiveFloat = Field(
        30.0, alias="RERANK_BREAKER_COOLDOWN_S", description="For how long it is left alone; then one search tries."
    )

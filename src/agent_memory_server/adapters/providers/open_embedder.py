"""From the settings to an embedder: which provider, how many dimensions, which wrappers."""

from __future__ import annotations

import asyncio

import agent_memory_model_minilm
from agent_memory_server.adapters.providers.catalogue import BEDROCK, embedding_dimensions
from agent_memory_server.adapters.providers.deterministic import DEFAULT_DIMENSIONS, DeterministicEmbedder
from agent_memory_server.adapters.providers.litellm_embeddings import LiteLLMEmbeddings
from agent_memory_server.adapters.providers.local import open_local
from agent_memory_server.adapters.providers.openai_compatible import OpenAICompatible
from agent_memory_server.adapters.providers.remote import EmbeddingService, RemoteEmbedder, dimensions_of
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.adapters.providers.wrappers.breaker import Breaker
from agent_memory_server.adapters.providers.wrappers.cached import Cached
from agent_memory_server.adapters.providers.wrappers.deadline import Deadline
from agent_memory_server.adapters.providers.wrappers.retrying import Retrying
from agent_memory_server.domain.errors import InvalidRequest, StartRefused, Unavailable
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.vector_cache import VectorCache

OPENAI = "openai/"
OLLAMA = "ollama/"
OPENAI_BASE = "https://api.openai.com/v1"
OLLAMA_BASE = "http://localhost:11434"
LOCAL_MODEL = "all-MiniLM-L6-v2"
LOCAL_NAMES = frozenset(f"{prefix}{LOCAL_MODEL}".casefold() for prefix in ("", "sentence-transformers/", "local/"))
_BEDROCK_MODELS = ("amazon.", "cohere.")


async def open_embedder(settings: EmbeddingSettings, *, durable: VectorCache | None = None) -> Embedder:
    """The embedder that the settings ask for. Whoever opens it closes it.

    "deterministic" and all-MiniLM-L6-v2 run here; "ollama/…", "openai/…", "text-embedding-…", and every model when
    `openai_api_base` is set, are asked in OpenAI's wire format; the rest goes through litellm. Only a service whose
    vector length is neither set nor listed in the catalogue is called now.

    durable: keeps vectors across restarts.
    Raises: StartRefused, naming the setting at fault and the remedy.
    """
    if settings.model == "deterministic":
        return DeterministicEmbedder(settings.dimensions or DEFAULT_DIMENSIONS)
    if settings.model.casefold() in LOCAL_NAMES:
        return _cached(await _local(settings), settings, durable)
    return _cached(await _remote(settings), settings, durable)


async def _local(settings: EmbeddingSettings) -> Embedder:
    embedder = await open_local(agent_memory_model_minilm.directory(), threads=settings.threads)
    if settings.dimensions not in {None, embedder.dimensions}:
        await embedder.close()
        raise StartRefused(
            f"EMBEDDING_DIMENSIONS={settings.dimensions}, but {embedder.model} has {embedder.dimensions}: "
            "remove the setting, or choose another EMBEDDING_MODEL"
        )
    return Deadline(embedder, timeout_s=settings.timeout_s)


async def _remote(settings: EmbeddingSettings) -> Embedder:
    service, name = _service(settings)
    try:
        dimensions = settings.dimensions or embedding_dimensions(name)
        if dimensions is None:
            dimensions = await _discovered(service, name, settings.timeout_s)
    except BaseException:
        await service.close()
        raise
    embedder = RemoteEmbedder(service, model=name, dimensions=dimensions, batch_texts=settings.batch_texts)
    patient = Retrying(embedder, attempts=settings.attempts, backoff_s=settings.backoff_s, timeout_s=settings.timeout_s)
    return Breaker(
        Deadline(patient, timeout_s=settings.timeout_s),
        failures=settings.breaker_failures,
        cooldown_s=settings.breaker_cooldown_s,
    )


def _cached(embedder: Embedder, settings: EmbeddingSettings, durable: VectorCache | None) -> Embedder:
    """Outermost, so that a text that is remembered needs neither the service nor its permission to be asked."""
    return Cached(embedder, limit_bytes=settings.cache_mb * 1_000_000, durable=durable)


def _service(settings: EmbeddingSettings) -> tuple[EmbeddingService, str]:
    """The service, and the name that is stored beside its vectors."""
    model = settings.model
    if "claude" in model or model.startswith(("anthropic/", "anthropic.")):
        raise StartRefused(f"EMBEDDING_MODEL={model}: Anthropic has no embedding models; choose another")
    if model.startswith(OLLAMA):
        base = (settings.ollama_api_base or OLLAMA_BASE).rstrip("/").removesuffix("/v1")
        return _openai_compatible(settings, f"{base}/v1", model.removeprefix(OLLAMA), key=""), model
    if settings.openai_api_base or model.startswith((OPENAI, "text-embedding-")):
        name = model.removeprefix(OPENAI)
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        if not settings.openai_api_base and not key:
            raise StartRefused(f"EMBEDDING_MODEL={model} needs OPENAI_API_KEY, or OPENAI_API_BASE of another service")
        return _openai_compatible(settings, settings.openai_api_base or OPENAI_BASE, name, key=key), name
    if model.startswith(_BEDROCK_MODELS):
        model = f"{BEDROCK}{model}"
    return LiteLLMEmbeddings(model, timeout_s=settings.timeout_s), model


def _openai_compatible(settings: EmbeddingSettings, base: str, model: str, *, key: str) -> OpenAICompatible:
    full = embedding_dimensions(model)
    return OpenAICompatible(
        base,
        model,
        api_key=key,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
        # Only for a model known to have more: others refuse to be asked.
        shortened_to=settings.dimensions if full and settings.dimensions != full else None,
    )


async def _discovered(service: EmbeddingService, name: str, timeout_s: float) -> int:
    remedy = "set EMBEDDING_DIMENSIONS to start without asking it"
    try:
        async with asyncio.timeout(timeout_s):
            return await dimensions_of(service, name)
    except TimeoutError as exc:
        raise StartRefused(f"{name} did not say within {timeout_s:g} s how long its vectors are; {remedy}") from exc
    except (Unavailable, InvalidRequest) as exc:
        raise StartRefused(f"{name} cannot be asked how long its vectors are: {exc}; {remedy}") from exc

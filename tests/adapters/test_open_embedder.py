"""Which settings lead to which embedder."""

from __future__ import annotations

import importlib.util

import pytest
from pydantic import SecretStr, ValidationError

from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.domain.errors import StartRefused, Unavailable
from tests.support.embedding_service import DIMENSIONS, EmbeddingService
from tests.support.vector_caches import DictVectorCache


async def test_the_defaults_embed_without_network_and_key() -> None:
    embedder = await open_embedder(EmbeddingSettings())
    assert (embedder.model, embedder.dimensions) == ("all-MiniLM-L6-v2", 384)
    assert (await embedder.embed(["hello"])).shape == (1, 384)
    await embedder.close()


@pytest.mark.parametrize(
    "name", ["sentence-transformers/all-MiniLM-L6-v2", "local/all-MiniLM-L6-v2", "all-minilm-l6-v2"]
)
async def test_the_shipped_model_is_stored_under_one_name(name: str) -> None:
    embedder = await open_embedder(EmbeddingSettings(model=name, dimensions=384))
    assert embedder.model == "all-MiniLM-L6-v2"
    await embedder.close()


async def test_the_shipped_model_refuses_another_vector_length() -> None:
    with pytest.raises(StartRefused, match="EMBEDDING_DIMENSIONS=512, but all-MiniLM-L6-v2 has 384"):
        await open_embedder(EmbeddingSettings(dimensions=512))


@pytest.mark.parametrize(("dimensions", "expected"), [(None, 384), (64, 64)])
async def test_the_deterministic_embedder_takes_any_vector_length(dimensions: int | None, expected: int) -> None:
    embedder = await open_embedder(EmbeddingSettings(model="deterministic", dimensions=dimensions))
    assert embedder.model == "deterministic"
    assert (await embedder.embed(["hello"])).shape == (1, expected)


async def test_an_ollama_model_is_asked_at_ollamas_address(service: EmbeddingService) -> None:
    for base in (service.url.removesuffix("/v1"), f"{service.url}/"):
        embedder = await open_embedder(EmbeddingSettings(model="ollama/my-model", ollama_api_base=base))
        assert (embedder.model, embedder.dimensions) == ("ollama/my-model", DIMENSIONS)
        await embedder.close()
    assert [body["model"] for body in service.seen] == ["my-model", "my-model"]


@pytest.mark.parametrize("name", ["my-model", "openai/my-model", "gemini/my-model"])
async def test_with_an_address_of_openais_format_every_model_is_asked_there(
    service: EmbeddingService, name: str
) -> None:
    settings = EmbeddingSettings(model=name, openai_api_base=service.url, openai_api_key=SecretStr("k-9"))
    embedder = await open_embedder(settings)
    await embedder.embed(["hello"])
    await embedder.close()
    assert service.seen[-1]["model"] == name.removeprefix("openai/")
    assert service.seen_headers[-1]["authorization"] == "Bearer k-9"


async def test_a_listed_model_opens_without_being_asked(service: EmbeddingService) -> None:
    embedder = await open_embedder(EmbeddingSettings(model="text-embedding-3-large", openai_api_base=service.url))
    assert (embedder.model, embedder.dimensions) == ("text-embedding-3-large", 3072)
    await embedder.close()
    assert service.seen == []


async def test_a_listed_model_can_be_asked_for_shorter_vectors(service: EmbeddingService) -> None:
    settings = EmbeddingSettings(model="text-embedding-3-large", openai_api_base=service.url, dimensions=256)
    embedder = await open_embedder(settings)
    assert (await embedder.embed(["hello"])).shape == (1, 256)
    await embedder.close()
    assert service.seen[-1]["dimensions"] == 256


async def test_a_vector_length_that_is_set_is_believed_until_an_answer_contradicts_it(
    service: EmbeddingService,
) -> None:
    settings = EmbeddingSettings(model="my-model", openai_api_base=service.url, dimensions=DIMENSIONS + 1)
    embedder = await open_embedder(settings)
    assert service.seen == []
    with pytest.raises(Unavailable, match=f"set EMBEDDING_DIMENSIONS={DIMENSIONS}"):
        await embedder.embed(["hello"])
    await embedder.close()


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_model_that_cannot_be_asked_for_its_vector_length_refuses_the_start(
    service: EmbeddingService, status: int
) -> None:
    service.fail(status)
    with pytest.raises(StartRefused, match=rf"HTTP {status}.*set EMBEDDING_DIMENSIONS"):
        await open_embedder(EmbeddingSettings(model="my-model", openai_api_base=service.url))


async def test_a_model_that_does_not_answer_at_start_refuses_it_in_time(service: EmbeddingService) -> None:
    service.hold.clear()
    with pytest.raises(StartRefused, match="set EMBEDDING_DIMENSIONS"):
        await open_embedder(EmbeddingSettings(model="my-model", openai_api_base=service.url, timeout_s=0.05))


async def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(StartRefused, match="OPENAI_API_KEY"):
        await open_embedder(EmbeddingSettings(model="text-embedding-3-small"))


@pytest.mark.parametrize(
    "name", ["claude-sonnet-4-5", "anthropic/claude-3-opus-latest", "bedrock/anthropic.claude-opus-4-5", "anthropic.x"]
)
async def test_a_model_that_only_talks_is_refused(name: str) -> None:
    with pytest.raises(StartRefused, match="Anthropic has no embedding models"):
        await open_embedder(EmbeddingSettings(model=name))


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="litellm is installed")
@pytest.mark.parametrize("name", ["gemini/text-embedding-004", "amazon.titan-embed-text-v2:0"])
async def test_other_providers_name_the_package_they_need(name: str) -> None:
    with pytest.raises(StartRefused, match=r"agent-memory-server\[litellm\]"):
        await open_embedder(EmbeddingSettings(model=name))


async def test_a_service_that_fails_is_asked_again_and_then_left_alone(service: EmbeddingService) -> None:
    settings = EmbeddingSettings(
        model="my-model",
        dimensions=DIMENSIONS,
        openai_api_base=service.url,
        attempts=2,
        backoff_s=0.001,
        breaker_failures=1,
        breaker_cooldown_s=3600,
        timeout_s=60,
    )
    embedder = await open_embedder(settings)
    await embedder.embed(["remembered"])
    service.fail(500, times=2)
    with pytest.raises(Unavailable, match="HTTP 500"):
        await embedder.embed(["hello"])
    with pytest.raises(Unavailable, match="asked again"):
        await embedder.embed(["hello"])
    await embedder.embed(["remembered"])
    await embedder.close()
    assert len(service.seen) == 3


async def test_a_durable_cache_is_used(service: EmbeddingService) -> None:
    durable = DictVectorCache()
    settings = EmbeddingSettings(model="my-model", openai_api_base=service.url, dimensions=DIMENSIONS)
    for _ in range(2):
        embedder = await open_embedder(settings, durable=durable)
        await embedder.embed(["hello"])
        await embedder.close()
    assert len(service.seen) == 1


def test_an_unknown_setting_and_a_key_in_print_are_refused() -> None:
    with pytest.raises(ValidationError):
        EmbeddingSettings.model_validate({"modell": "deterministic"})
    assert "k-9" not in repr(EmbeddingSettings(openai_api_key=SecretStr("k-9")))

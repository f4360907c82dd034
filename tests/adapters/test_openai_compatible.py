"""Asking a service in OpenAI's wire format, and distrusting what it answers."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from agent_memory_server.adapters.providers.openai_compatible import OpenAICompatible
from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.adapters.providers.remote import Misconfigured, RemoteEmbedder, Throttled
from agent_memory_server.domain.errors import DeadlineExceeded, MemoryServerError, Unavailable
from tests.support.embedding_service import DIMENSIONS, EmbeddingService, vectors_answer


def ask(url: str, *, timeout_s: float = 60.0, key: str = "") -> RemoteEmbedder:
    client = OpenAICompatible(url, "some-model", api_key=key, timeout_s=timeout_s, connect_timeout_s=timeout_s)
    return RemoteEmbedder(client, model="some-model", dimensions=DIMENSIONS, batch_texts=4)


@pytest.fixture
async def embedder(service: EmbeddingService) -> AsyncIterator[RemoteEmbedder]:
    embedder = ask(service.url, key="k-123")
    yield embedder
    await embedder.close()


async def test_the_request_names_the_model_the_texts_and_the_key(
    service: EmbeddingService, embedder: RemoteEmbedder
) -> None:
    await embedder.embed(["one", "two"])
    assert service.seen == [{"model": "some-model", "input": ["one", "two"], "encoding_format": "float"}]
    assert service.seen_headers[0]["authorization"] == "Bearer k-123"


async def test_without_a_key_nothing_is_claimed(service: EmbeddingService) -> None:
    embedder = ask(service.url)
    await embedder.embed(["one"])
    await embedder.close()
    assert "authorization" not in service.seen_headers[0]


async def test_many_texts_travel_in_batches(service: EmbeddingService, embedder: RemoteEmbedder) -> None:
    await embedder.embed([f"text {n}" for n in range(10)])
    assert [len(body["input"]) for body in service.seen] == [4, 4, 2]


async def test_answers_without_an_index_are_taken_in_their_order(
    service: EmbeddingService, embedder: RemoteEmbedder
) -> None:
    expected = await embedder.embed(["one", "two"])

    def without_index(body: dict[str, Any]) -> tuple[int, Any]:
        _, answer = vectors_answer(body)
        return 200, {"data": [{"embedding": item["embedding"]} for item in answer["data"][::-1]]}

    service.script.append(without_index)
    np.testing.assert_array_equal(await embedder.embed(["one", "two"]), expected)


VECTOR = [0.5] * DIMENSIONS


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"data": [{"index": 0, "embedding": VECTOR}]}, "1 vectors for 2 texts"),
        ({"data": [{"index": n, "embedding": VECTOR} for n in range(3)]}, "3 vectors for 2 texts"),
        ({"data": [{"index": n, "embedding": VECTOR[1:]} for n in range(2)]}, "EMBEDDING_DIMENSIONS=23"),
        ({"data": [{"index": n, "embedding": [float("nan"), *VECTOR[1:]]} for n in range(2)]}, "without a direction"),
        ({"data": [{"index": n, "embedding": [1e400, *VECTOR[1:]]} for n in range(2)]}, "without a direction"),
        ({"data": [{"index": n, "embedding": [None, *VECTOR[1:]]} for n in range(2)]}, "without a direction"),
        ({"data": [{"index": n, "embedding": [0.0] * DIMENSIONS} for n in range(2)]}, "without a direction"),
        ({"data": [{"index": n, "embedding": [[1.0], *VECTOR[1:]]} for n in range(2)]}, "consist of numbers"),
        ({"data": [{"index": n, "embedding": ["x", *VECTOR[1:]]} for n in range(2)]}, "consist of numbers"),
        ({"data": [{"index": 0, "embedding": VECTOR}] * 2}, "other than embeddings"),
        ({"data": [{"index": n, "embedding": "AAAA"} for n in range(2)]}, "other than embeddings"),
        ({"data": [{"index": n} for n in range(2)]}, "other than embeddings"),
        ({"data": None}, "other than embeddings"),
        ({"models": []}, "other than embeddings"),
        ([], "other than embeddings"),
        ("<html>", "other than embeddings"),
    ],
)
async def test_an_answer_that_is_not_the_vectors_asked_for_is_an_error(
    service: EmbeddingService, embedder: RemoteEmbedder, answer: object, complaint: str
) -> None:
    service.script.append(lambda _: (200, answer))
    with pytest.raises(Unavailable, match=complaint):
        await embedder.embed(["one", "two"])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (413, Refused),
        (422, Refused),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (302, Misconfigured),
        (408, DeadlineExceeded),
        (504, DeadlineExceeded),
        (429, Throttled),
        (503, Throttled),
        (500, Unavailable),
    ],
)
async def test_a_status_says_what_to_do_next(
    service: EmbeddingService, embedder: RemoteEmbedder, status: int, error: type[MemoryServerError]
) -> None:
    service.fail(status, body={"error": {"message": "cannot embed 'secret'", "type": "t", "code": "some_code"}})
    with pytest.raises(error, match=f"HTTP {status}, some_code") as failure:
        await embedder.embed(["secret"])
    assert type(failure.value) is error
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    "body", ["x", {"error": "plain"}, {"error": {"code": 7}}, {"error": {"code": "a b\n"}}, [], None]
)
async def test_an_error_in_another_shape_is_told_by_its_status(
    service: EmbeddingService, embedder: RemoteEmbedder, body: object
) -> None:
    service.script.append(lambda _: (500, body))
    with pytest.raises(Unavailable, match=r"failed \(HTTP 500\)"):
        await embedder.embed(["one"])


@pytest.mark.parametrize(("header", "pause"), [("7", 7.0), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
async def test_a_busy_service_may_name_a_pause(
    service: EmbeddingService, embedder: RemoteEmbedder, header: str, pause: float | None
) -> None:
    service.fail(429)
    service.headers["Retry-After"] = header
    with pytest.raises(Throttled) as failure:
        await embedder.embed(["one"])
    assert failure.value.retry_after_s == pause


async def test_one_failed_batch_fails_the_call(service: EmbeddingService, embedder: RemoteEmbedder) -> None:
    service.script.append(vectors_answer)
    service.fail(500)
    with pytest.raises(Unavailable):
        await embedder.embed([f"text {n}" for n in range(10)])


async def test_a_service_that_does_not_answer_exceeds_the_deadline(service: EmbeddingService) -> None:
    service.hold.clear()
    embedder = ask(service.url, timeout_s=0.05)
    with pytest.raises(DeadlineExceeded, match="in time"):
        await embedder.embed(["one"])
    await embedder.close()


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        embedder = ask(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await embedder.embed(["one"])
        await embedder.close()


@pytest.mark.parametrize("url", ["localhost:11434/v1", "http://[half/v1"])
async def test_an_address_that_is_none_is_unavailable(url: str) -> None:
    embedder = ask(url)
    with pytest.raises(Unavailable):
        await embedder.embed(["one"])
    await embedder.close()

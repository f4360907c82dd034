"""Asking a rerank service over HTTP, and distrusting what it answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled
from agent_memory_server.adapters.providers.rerank.http_reranker import LONGEST_CHARS
from agent_memory_server.adapters.providers.rerank.open_reranker import opened_reranker
from agent_memory_server.adapters.providers.rerank.settings import RerankSettings
from agent_memory_server.domain.errors import DeadlineExceeded, MemoryServerError, Unavailable
from tests.support.rerank_service import RerankService, by_yes, rerank_service

TEXTS = ["no", "yes yes", "yes"]
SCORES = [-1.5, 0.5, -0.5]


@pytest.fixture
def service() -> Iterator[RerankService]:
    with rerank_service() as running:
        yield running


async def ask(url: str, texts: list[str] = TEXTS, **settings: Any) -> list[float]:
    options = {"timeout_s": 60.0, "connect_timeout_s": 60.0} | settings
    async with opened_reranker(RerankSettings(url=url, **options)) as reranker:
        assert reranker is not None
        return await reranker.scores("is it?", texts)


async def test_without_an_address_there_is_no_reranker() -> None:
    async with opened_reranker(RerankSettings()) as reranker:
        assert reranker is None


async def test_scores_come_in_the_order_of_the_texts_and_the_request_is_in_the_common_format(
    service: RerankService,
) -> None:
    assert await ask(service.url, model="some-model", api_key="k-123") == SCORES
    assert service.seen == [{"model": "some-model", "query": "is it?", "documents": TEXTS, "top_n": 3}]
    assert service.seen_headers[0]["authorization"] == "Bearer k-123"


async def test_text_embeddings_inference_is_asked_in_its_own_format(service: RerankService) -> None:
    assert await ask(service.url, format="texts") == SCORES
    assert service.seen == [{"query": "is it?", "texts": TEXTS, "truncate": True}]
    assert "authorization" not in service.seen_headers[0]


async def test_a_long_text_is_sent_by_its_beginning(service: RerankService) -> None:
    await ask(service.url, ["a" * (LONGEST_CHARS + 1)])
    assert service.seen[0]["documents"] == ["a" * LONGEST_CHARS]


async def test_scores_under_data_are_understood(service: RerankService) -> None:
    service.answer({"object": "list", "data": [{"index": n, "relevance_score": n} for n in range(3)]})
    assert await ask(service.url) == [0.0, 1.0, 2.0]


def scored(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return {"results": [{"index": index, "relevance_score": score} for index, score in pairs]}


@pytest.mark.parametrize(
    "answer",
    [
        scored((0, 1), (1, 1)),
        scored((0, 1), (1, 1), (2, 1), (3, 1)),
        scored((0, 1), (1, 1), (1, 2)),
        scored((0, 1), (1, 1), (-1, 2)),
        scored((0, 1), (1, 1), (2, None)),
        scored((0, 1), (1, 1), (2, "0.5")),
        scored((0, 1), (1, 1), (2, True)),
        scored((0, 1), (1, 1), (2, float("nan"))),
        scored((0, 1), (1, 1), (2, float("inf"))),
        {"results": [{"index": n} for n in range(3)]},
        {"results": [{"relevance_score": n} for n in range(3)]},
        {"results": None},
        {"results": "abc"},
        {},
        [],
        None,
        "x",
        7,
    ],
)
async def test_an_answer_that_is_not_one_number_for_each_text_is_an_error(
    service: RerankService, answer: object
) -> None:
    service.answer(answer)
    with pytest.raises(Unavailable, match="other than one score for each text"):
        await ask(service.url)


@pytest.mark.parametrize(
    ("status", "error"),
    [(422, Refused), (401, Misconfigured), (404, Misconfigured), (429, Throttled), (500, Unavailable)],
)
async def test_a_status_says_what_to_do_next_and_quotes_no_text(
    service: RerankService, status: int, error: type[MemoryServerError]
) -> None:
    service.answer({"error": {"message": "cannot read 'yes yes'", "code": "some_code"}}, status)
    with pytest.raises(error, match=f"HTTP {status}, some_code") as failure:
        await ask(service.url)
    assert type(failure.value) is error
    assert "yes" not in str(failure.value)


async def test_a_failure_that_may_pass_is_asked_again_as_often_as_the_settings_say(service: RerankService) -> None:
    service.answer({}, 500, times=2)
    assert await ask(service.url, attempts=3, backoff_s=0.0) == SCORES
    assert len(service.seen) == 3


async def test_no_call_takes_longer_than_it_may(service: RerankService) -> None:
    service.hold.clear()
    with pytest.raises(DeadlineExceeded):
        await ask(service.url, timeout_s=0.05, attempts=100, backoff_s=0.0)


async def test_a_service_that_goes_on_failing_is_left_alone(service: RerankService) -> None:
    service.script = [by_yes] + [lambda _: (500, {})] * 2
    settings = RerankSettings(url=service.url, breaker_failures=2, timeout_s=60.0)
    async with opened_reranker(settings) as reranker:
        assert reranker is not None
        assert await reranker.scores("is it?", TEXTS) == SCORES
        for _ in range(2):
            with pytest.raises(Unavailable, match="HTTP 500"):
                await reranker.scores("is it?", TEXTS)
        with pytest.raises(Unavailable, match="failed 2 times and is asked again in"):
            await reranker.scores("is it?", TEXTS)
        assert len(service.seen) == 3


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="cannot be reached"):
            await ask(f"http://127.0.0.1:{unused.getsockname()[1]}/rerank")

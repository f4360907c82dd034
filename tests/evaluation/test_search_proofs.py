"""What no search may do, in the small; `python -m benchmarks.search_proofs` does the same at length."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import redis

from agent_memory_server.evaluation.conversations import Conversation, Corpus, Query, TalkSession, Turn
from agent_memory_server.evaluation.measure import target
from agent_memory_server.evaluation.retrieval import Target, checked, ingest
from benchmarks.search_proofs import (
    HOSTILE,
    Failure,
    add_tenants,
    generated,
    moved,
    rankings,
    search_often,
    tenants,
    unanswered,
)
from tests.support.processes import serving
from tests.support.waiting import until

THINGS = ("a red bicycle", "an old piano", "two grey cats", "a house by the lake", "a broken clock", "fresh coffee")
VERBS = ("bought", "sold", "painted", "lost", "found", "dreamt of")


def _conversation(name: str) -> Conversation:
    said = [(verb, thing) for verb in VERBS for thing in THINGS]
    turns = [
        Turn(f"{name}-{n}", ("Ada", "Ben")[n % 2], f"Yesterday I {verb} {thing}.", 1_600_000_000.0 + 60 * n)
        for n, (verb, thing) in enumerate(said)
    ]
    return Conversation(name, (TalkSession("s1", tuple(turns[:20])), TalkSession("s2", tuple(turns[20:]))))


def _corpus() -> Corpus:
    conversations = (_conversation("first"), _conversation("second"))
    queries = [
        Query(f"{c.id}-{n}", c.id, f"Who {verb} {thing}?", "all", frozenset(), frozenset())
        for c in conversations
        for n, (verb, thing) in enumerate(zip(VERBS, THINGS, strict=True))
    ]
    return Corpus("talks", conversations, tuple(queries))


CORPUS = _corpus()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on each engine; every test has a namespace of its own there."""
    settings = {"ENABLE_DISCRETE_MEMORY_EXTRACTION": "false"}
    if request.param == "redis":
        settings["REDIS_URL"] = request.getfixturevalue("redis_url")
        with redis.Redis.from_url(settings["REDIS_URL"]) as client:
            client.flushall()
    folder = tmp_path_factory.mktemp(request.param) / "data"
    with serving(folder, "--task-backend", "asyncio", env=settings) as server:
        yield server.url


@pytest.fixture
async def place(url: str) -> AsyncIterator[Target]:
    async with target(url, None) as found:
        await ingest(found, CORPUS, lambda *_: None)
        yield found


async def test_no_query_text_fails(place: Target) -> None:
    assert await unanswered(place, [*HOSTILE, *generated(150)]) == []


async def test_a_text_that_is_refused_is_reported(place: Target) -> None:
    [failure] = await unanswered(place, ["fine"], modes=["no such mode"])
    assert isinstance(failure, Failure)
    assert failure.answer.startswith("422")


async def test_searching_leaves_every_ranking_as_it_was(place: Target) -> None:
    before = await rankings(place, CORPUS.queries)
    used = before[CORPUS.queries[0].id, "hybrid"][0][0]
    await search_often(place, CORPUS.queries, 300)

    async def noted() -> bool:
        found = checked(await place.http.get(f"/v1/long-term-memory/{used}"))
        return bool(found["last_accessed"] > found["created_at"])

    await until(noted)  # what a search writes is written
    assert moved(before, await rankings(place, CORPUS.queries)) == []


async def test_other_tenants_data_leaves_every_ranking_as_it_was(place: Target) -> None:
    before = await rankings(place, CORPUS.queries)
    namespace_wide = await rankings(place, CORPUS.queries, within_user=False)
    others = list(tenants(CORPUS, 15, turns=6))
    for number, other in enumerate(others):
        beside = Target(place.http, f"{place.namespace}-of-{number}")
        await ingest(beside, Corpus("tenant", (replace(other, id="first"),), ()), lambda *_: None)
    assert moved(namespace_wide, await rankings(place, CORPUS.queries, within_user=False)) == []
    await add_tenants(place, CORPUS, 30, turns=6)
    assert moved(before, await rankings(place, CORPUS.queries)) == []


def test_a_ranking_in_another_order_or_at_another_distance_is_seen() -> None:
    one = {("q", "hybrid"): (("a", 0.1), ("b", 0.2))}
    assert moved(one, {("q", "hybrid"): (("a", 0.1), ("b", 0.2 + 1e-7))}) == []
    assert moved(one, {("q", "hybrid"): (("b", 0.1), ("a", 0.2))}) == [("q", "hybrid")]
    assert moved(one, {("q", "hybrid"): (("a", 0.1), ("b", 0.3))}) == [("q", "hybrid")]
    assert moved(one, {("q", "hybrid"): (("a", 0.1),)}) == [("q", "hybrid")]

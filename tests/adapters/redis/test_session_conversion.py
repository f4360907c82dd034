"""Sessions kept as text become documents: by their own ids, keeping their time to live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.session_conversion import Converted, convert
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.domain.scope import EVERYWHERE
from tests.contract.memories import NOW
from tests.support.reference_database import DIMENSIONS, ReferenceDatabase, session

PREFIX = "working_memory:"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        await ensure_session_index(opened, SessionOptions())
        yield opened


async def converted(client: Redis, **how: Any) -> Converted:
    return [step async for step in convert(client, PREFIX, now=NOW, **how)][-1]


async def listed(client: Redis) -> set[tuple[str, str, str]]:
    store = RedisSessionStore(client, SessionOptions(), IndexOptions(dimensions=DIMENSIONS))
    page = await store.list(EVERYWHERE, namespace=None, user_id=None, limit=100, offset=0, now=NOW)
    return {(key.namespace, key.user_id, key.session_id) for key in page.keys}


async def test_texts_become_documents_that_are_listed_and_keep_their_time_to_live(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    document = session("s1", namespace="team", user_id="ada", ttl_seconds=3600)
    await reference.add_string_session(f"{PREFIX}team:ada:s1", document, ttl_s=3600)
    await reference.add_string_session(f"{PREFIX}s2", session("s2"))
    await reference.add_session(f"{PREFIX}s3", session("s3"))
    done = await converted(client)
    assert (done.seen, done.converted, done.unresolved) == (2, 2, ())
    assert await listed(client) == {("team", "ada", "s1"), ("", "", "s2"), ("", "", "s3")}
    assert 0 < await client.ttl(f"{PREFIX}team:ada:s1") <= 3600
    assert await client.ttl(f"{PREFIX}s2") == -1
    kept = await command(client, "JSON.GET", f"{PREFIX}team:ada:s1", "$.messages[0].content")
    assert kept == b'["I like tea"]'


async def test_whose_session_it_is_its_own_ids_tell(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_string_session(f"{PREFIX}b:c", session("c", user_id="b"))
    await reference.add_string_session(f"{PREFIX}d:e", session("d:e"))
    assert (await converted(client)).converted == 2
    assert await listed(client) == {("", "b", "c"), ("", "", "d:e")}


async def test_what_does_not_tell_whose_it_is_is_told_and_left_alone(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_string_session(f"{PREFIX}a:b", session("b"))
    await reference.add_string_session(f"{PREFIX}c", {"messages": []})
    await client.set(f"{PREFIX}d", "no JSON at all")
    before = await reference.snapshot(f"{PREFIX}*")
    done = await converted(client)
    assert (done.seen, done.converted) == (3, 0)
    assert sorted(done.unresolved) == [f"{PREFIX}a:b", f"{PREFIX}c", f"{PREFIX}d"]
    assert await reference.snapshot(f"{PREFIX}*") == before


async def test_marks_of_the_reference_server_are_no_sessions_and_are_set_at_the_end(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await client.set(f"{PREFIX}migration:remaining", "1")
    await reference.add_string_session(f"{PREFIX}s1", session("s1"))
    assert (await converted(client)).seen == 1
    assert await client.get(f"{PREFIX}migration:complete") == b"true"
    assert await client.get(f"{PREFIX}migration:remaining") == b"0"


async def test_a_trial_tells_the_same_and_changes_nothing(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_surroundings()
    await reference.add_string_session(f"{PREFIX}s1", session("s1"))
    before = await reference.snapshot()
    done = await converted(client, trial=True)
    assert (done.seen, done.converted, done.legacy) == (1, 1, 2)
    assert await reference.snapshot() == before


async def test_legacy_sorted_sets_go_and_nothing_else(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_surroundings()
    await client.set("sessions:mine", "not a sorted set")
    before = await reference.snapshot()
    assert (await converted(client)).legacy == 2
    after = await reference.snapshot()
    marks = {f"{PREFIX}migration:{name}".encode() for name in ("complete", "remaining")}
    assert {**after, b"sessions": before[b"sessions"], b"sessions:team": before[b"sessions:team"]}.keys() == (
        before.keys() | marks
    )


async def test_it_can_be_cut_off_and_done_again(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    for n in range(50):
        await reference.add_string_session(f"{PREFIX}s{n}", session(f"s{n}"))
    async for step in convert(client, PREFIX, now=NOW, batch_size=10):
        if step.converted:
            break
    left = await converted(client, batch_size=10)
    assert (left.seen, left.converted) == (40, 40)
    assert (await command(client, "TYPE", f"{PREFIX}s7")) == b"ReJSON-RL"
    assert len(await listed(client)) == 50

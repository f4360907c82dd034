"""Sessions in Redis: where they lie, what another server reads and leaves there, and what an append costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Session, SessionKey
from tests.contract.memories import DIMENSIONS
from tests.contract.sessions import FULL, KEY, NOW, ids, message, messages, session, stored
from tests.support import reference_database as reference
from tests.support.redis_shape import forget_traffic, most_indexes, traffic

HOME = "working_memory:team:ann:s1"
RECORDS = IndexOptions(dimensions=DIMENSIONS)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


@pytest.fixture
async def sessions(client: Redis) -> RedisSessionStore:
    return await opened(client)


async def opened(client: Redis) -> RedisSessionStore:
    await ensure_index(client, RECORDS)
    await ensure_session_index(client, SessionOptions())
    return RedisSessionStore(client, SessionOptions(), RECORDS)


async def run(client: Redis, *words: str | float) -> Any:
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def document(client: Redis, key: str = HOME) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(await run(client, "JSON.GET", key))
    return members


async def keys_of(sessions: RedisSessionStore) -> list[SessionKey]:
    page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=100, offset=0, now=NOW)
    assert page.total == len(page.keys)
    return list(page.keys)


async def test_a_session_lies_where_the_reference_server_looks_in_its_form(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    members = await document(client)
    assert members["messages"] == [
        {
            "role": "user",
            "content": "first é ☃ \x00 '\"",
            "id": "m1",
            "created_at": "1970-01-01T00:00:01+00:00",
            "persisted_at": "1970-01-01T00:00:05.500000+00:00",
            "discrete_memory_extracted": "t",
        },
        {
            "role": "assistant",
            "content": "second",
            "id": "m0",
            "created_at": "1970-01-01T00:00:00.500000+00:00",
            "persisted_at": None,
            "discrete_memory_extracted": "f",
        },
    ]
    told = {name: value for name, value in members.items() if name not in {"messages", "memories", "agent_memory"}}
    assert told == {
        "session_id": "s1",
        "namespace": "team",
        "user_id": "ann",
        "context": "they spoke of tea",
        "tokens": 42,
        "data": FULL.data,
        "ttl_seconds": 60,
        "long_term_memory_strategy": {"strategy": "custom", "config": {"prompt": "y", "n": 1}},
        "created_at": 1,
        "updated_at": 2,
        "last_accessed": 3,
    }
    assert members["memories"][0]["discrete_memory_extracted"] == "f"
    assert members["memories"][0]["event_date"] == "1970-01-01T00:00:00+00:00"
    assert 0 < await run(client, "TTL", HOME) <= 60


async def test_an_append_keeps_the_form_and_begins_the_time_to_live_again(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    await run(client, "EXPIRE", HOME, 5)
    await sessions.append(EVERYWHERE, KEY, [message("m3")], now=NOW + 1)
    members = await document(client)
    assert [one["id"] for one in members["messages"]] == ["m1", "m0", "m3"]
    assert (members["updated_at"], members["created_at"], members["data"]) == (NOW + 1, 1, FULL.data)
    assert await run(client, "TTL", HOME) > 5


@pytest.mark.parametrize(
    "data",
    [{"large": 2**70, "small": -(2**63)}, {"deep": json.loads("[" * 200 + "]" * 200)}, {"float": 1e300, "zero": -0.0}],
)
async def test_data_that_json_in_redis_would_change_comes_back_as_it_was(
    sessions: RedisSessionStore, data: dict[str, Any]
) -> None:
    await sessions.put(EVERYWHERE, session(data=data), now=NOW)
    assert (await stored(sessions)).data == data


async def test_times_that_are_no_whole_microseconds_come_back_as_they_were(sessions: RedisSessionStore) -> None:
    odd = replace(FULL.memories[0], created_at=1_700_000_000 + 1 / 7, event_date=1 / 3)
    kept = replace(FULL, memories=(odd, FULL.memories[1]))
    await sessions.put(EVERYWHERE, kept, now=NOW)
    assert (await stored(sessions)).memories == kept.memories


SAME_NAME = [SessionKey("", "b", "c"), SessionKey("b", "", "c"), SessionKey("", "", "b:c")]


async def test_sessions_whose_names_meet_never_share_a_document(client: Redis, sessions: RedisSessionStore) -> None:
    for number, key in enumerate(SAME_NAME):
        await sessions.append(EVERYWHERE, key, messages([number]), now=NOW)
    assert set(await keys_of(sessions)) == set(SAME_NAME)
    members = await document(client, "working_memory:b:c")
    assert (members["user_id"], members["session_id"]) == ("b", "c")
    await sessions.delete(EVERYWHERE, SAME_NAME[0], now=NOW)
    for number, key in enumerate(SAME_NAME[1:], 1):
        assert ids((await stored(sessions, key)).messages) == [str(number)]
        await sessions.append(EVERYWHERE, key, [message("next")], now=NOW)
        assert (await stored(sessions, key)).message_count == 2


async def test_marks_of_the_reference_server_are_no_sessions(client: Redis, sessions: RedisSessionStore) -> None:
    await client.set("working_memory:migration:complete", "true")
    key = SessionKey("migration", "", "complete")
    await sessions.append(EVERYWHERE, key, messages("a"), now=NOW)
    assert ids((await stored(sessions, key)).messages) == ["a"]
    assert await client.get("working_memory:migration:complete") == b"true"
    assert await keys_of(sessions) == [key]


ODD = ["a{b}c", "{", "}", "{}", "a}b{c", "{}{x}", "\x00", "agent-memory:x", ""]


@pytest.mark.parametrize("name", ODD)
def test_the_keys_of_a_session_lie_in_one_slot(name: str) -> None:
    for key in (SessionKey(name, "u", "s"), SessionKey("n", name, ""), SessionKey("", "", name)):
        found = keys.session("working_memory:", key)
        assert len({keys._slot(keys._tag(each)) for each in found.all}) == 1
        assert all("\0" not in each for each in found.all)


async def written_by_the_reference(client: Redis, key: str = HOME, **changed: Any) -> None:
    members = reference.session("s1", namespace="team", user_id="ann", **changed)
    await reference.ReferenceDatabase(client).add_session(key, members)


async def test_a_session_of_the_reference_server_is_served_and_keeps_what_it_has(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await written_by_the_reference(client, further="member")
    found = await stored(sessions)
    assert (found.key, found.revision, found.message_count, found.owed_since) == (KEY, 1, 1, NOW)
    assert found.messages[0].created_at == reference.CREATED_AT
    assert found.created_at == int(reference.CREATED_AT)
    await sessions.append(EVERYWHERE, KEY, [message("m2")], now=NOW)
    assert ids((await stored(sessions)).messages) == ["m1", "m2"]
    assert (await document(client))["further"] == "member"


async def test_a_session_of_the_reference_server_is_listed_found_and_owed(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await written_by_the_reference(client)
    assert await keys_of(sessions) == [KEY]
    assert await sessions.find(EVERYWHERE, "s1", namespace=None, user_id="ann", now=NOW) == [KEY]
    assert [one.key for one in await sessions.owed_extractions(now=NOW, limit=9)] == [KEY]


async def test_a_session_of_the_reference_server_is_counted_once(client: Redis, sessions: RedisSessionStore) -> None:
    await sessions.put(EVERYWHERE, replace(FULL, key=replace(KEY, session_id="ours")), now=NOW)
    await written_by_the_reference(client)
    assert await sessions.uncounted(now=NOW, limit=9) == [KEY]
    head = await stored(sessions)
    assert head.speakers == ()
    bound = Bound(window=100, otherwise=0, share=1.0)
    grown = (await sessions.append(EVERYWHERE, KEY, [message("m2")], now=NOW, bound=bound)).session
    assert grown.outgrown_since is None
    assert await sessions.uncounted(now=NOW, limit=9) == [KEY]
    assert await sessions.counted(EVERYWHERE, KEY, revision=grown.revision, tokens=101, outgrown=True, now=NOW)
    assert await sessions.uncounted(now=NOW, limit=9) == []
    assert [one.key for one in await sessions.owed_foldings(now=NOW, limit=9)] == [KEY]
    assert (await stored(sessions)).speakers == ("user",)


async def test_what_the_reference_server_writes_over_ours_is_what_is_read(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW)
    await written_by_the_reference(client)
    assert ids((await stored(sessions)).messages) == ["m1"]
    left = await sessions.unextracted(EVERYWHERE, KEY, now=NOW, limit=9, before=9)
    assert left is not None
    assert ids(left.messages) == ["m1"]


async def test_a_session_kept_as_text_is_taken_over_with_its_time_to_live(
    client: Redis, sessions: RedisSessionStore
) -> None:
    members = reference.session("s1", namespace="team", user_id="ann")
    await reference.ReferenceDatabase(client).add_string_session(HOME, members, ttl_s=100)
    assert ids((await stored(sessions)).messages) == ["m1"]
    assert 0 < await run(client, "TTL", HOME) <= 100
    assert (await document(client))["session_id"] == "s1"


async def test_what_cannot_be_read_is_left_alone_and_in_nobodys_way(client: Redis, sessions: RedisSessionStore) -> None:
    await client.set(HOME, "no session")
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    await sessions.append(EVERYWHERE, KEY, messages("a"), now=NOW)
    assert ids((await stored(sessions)).messages) == ["a"]
    assert await client.get(HOME) == b"no session"
    assert await keys_of(sessions) == [KEY]


async def test_a_document_under_a_name_that_is_not_its_own_is_nobodys(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await written_by_the_reference(client, "working_memory:elsewhere")
    assert await keys_of(sessions) == []
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None


async def test_an_index_of_the_reference_server_is_taken_over(client: Redis) -> None:
    schema = ["$.session_id", "AS", "session_id", "TAG", "SORTABLE", "UNF"]
    await run(client, "FT.CREATE", "working_memory_idx", "ON", "JSON", "PREFIX", 1, "working_memory:", "SCHEMA",
              *schema)  # fmt: skip
    await written_by_the_reference(client)
    assert await keys_of(await opened(client)) == [KEY]
    assert await keys_of(await opened(client)) == [KEY]


async def test_what_stands_beside_a_document_is_made_again_when_it_is_lost(
    client: Redis, sessions: RedisSessionStore
) -> None:
    before = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    names = keys.session("working_memory:", KEY)
    await client.delete(names.positions, names.unread)
    again = await sessions.append(EVERYWHERE, KEY, messages("abc"), now=NOW)
    assert again.session.message_count == 3
    assert again.session.revision > before.revision
    left = await sessions.unextracted(EVERYWHERE, KEY, now=NOW, limit=9, before=0)
    assert left is not None
    assert ids(left.messages) == ["a", "b", "c"]


async def test_deleting_leaves_no_key_behind(client: Redis, sessions: RedisSessionStore) -> None:
    for key in (KEY, *SAME_NAME):
        await sessions.append(EVERYWHERE, key, messages("ab"), now=NOW)
    for key in (KEY, *SAME_NAME):
        assert await sessions.delete(EVERYWHERE, key, now=NOW) is True
    assert await client.keys("*") == []


async def executed(client: Redis, sessions: RedisSessionStore, start: int) -> dict[str, int]:
    """How many bytes ten appends move."""
    await forget_traffic(client)
    for number in range(start, start + 10):
        await sessions.append(EVERYWHERE, KEY, [message(str(number), at=float(number))], now=NOW)
    return await traffic(client)


async def test_an_append_moves_as_many_bytes_at_message_ten_as_at_ten_thousand(
    client: Redis, sessions: RedisSessionStore
) -> None:
    await sessions.append(EVERYWHERE, KEY, [message("first", at=0.0)], now=NOW)
    await executed(client, sessions, 1_000)  # the script is known from now on
    few = await executed(client, sessions, 2_000)
    many = tuple(message(f"m{number}", "x" * 100, at=3_000.0) for number in range(10_000))
    await sessions.append(EVERYWHERE, KEY, many, now=NOW)
    lots = await executed(client, sessions, 4_000)
    # What a cluster's nodes tell of themselves counts, too; all messages are a megabyte.
    assert abs(lots["sent"] - few["sent"]) < 2_000
    assert abs(lots["received"] - few["received"]) < 2_000


async def test_the_last_messages_of_a_long_session_are_read_alone(client: Redis, sessions: RedisSessionStore) -> None:
    many = tuple(message(f"m{number}", "x" * 100, at=float(number)) for number in range(2_000))
    await sessions.put(EVERYWHERE, session(messages=many), now=NOW)
    await forget_traffic(client)
    found = await sessions.get(EVERYWHERE, KEY, now=NOW, last=5)
    assert found is not None
    assert found.messages == many[-5:]
    assert (await traffic(client))["sent"] < 20_000


async def test_a_fold_keeps_the_time_to_live(client: Redis, sessions: RedisSessionStore) -> None:
    kept: Session = await sessions.put(EVERYWHERE, session(messages=messages("abc"), ttl_seconds=100), now=NOW)
    await sessions.fold(EVERYWHERE, KEY, kept.messages[:1], context="so far", if_context=None, tokens=1, now=NOW)
    names = keys.session("working_memory:", KEY)
    for key in (names.home, names.positions, names.unread):
        assert 0 < await run(client, "TTL", key) <= 100


async def test_replicas_that_start_at_once_make_one_index(client: Redis, redis_url: str) -> None:
    async with open_client(redis_url) as other:
        await asyncio.gather(*(ensure_session_index(one, SessionOptions()) for one in (client, other) * 3))
    assert await most_indexes(client) == 1


async def test_times_that_go_back_are_read_by_time(sessions: RedisSessionStore) -> None:
    await sessions.append(EVERYWHERE, KEY, [message("late", at=9.0)], now=NOW)
    await sessions.append(EVERYWHERE, KEY, [message("early", at=1.0)], now=NOW)
    found = await sessions.get(EVERYWHERE, KEY, now=NOW, last=1)
    assert found is not None
    assert ids(found.messages) == ["late"]
    assert found.messages[0] == replace(message("late", at=9.0))


async def test_the_figures_count_sessions(client: Redis, sessions: RedisSessionStore) -> None:
    await sessions.append(EVERYWHERE, KEY, messages("a"), now=NOW)
    memories = RedisMemoryStore(client, RECORDS, sessions=SessionOptions())
    assert (await memories.stats()).sessions == 1

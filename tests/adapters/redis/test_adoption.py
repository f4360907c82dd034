"""Databases of the reference server: served at once, whole, and left readable by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.adopting_store import AdoptingMemoryStore
from agent_memory_server.adapters.redis.adoption import Adoption, open_index
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions, drop_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import EVERYTHING, Filter, TagField, TextField, TimeField, TimeRange, only
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryStore
from tests.contract.memories import NOW, direction, write
from tests.support.reference_database import CREATED_AT, DIMENSIONS, ReferenceDatabase, older_record, record

OPTIONS = IndexOptions(dimensions=DIMENSIONS)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


@pytest.fixture
def reference(client: Redis) -> ReferenceDatabase:
    return ReferenceDatabase(client)


async def opened(client: Redis, **waiting: float) -> tuple[AdoptingMemoryStore, Adoption]:
    adoption = await open_index(client, OPTIONS, **waiting)
    return AdoptingMemoryStore(cast("MemoryStore", RedisMemoryStore(client, OPTIONS)), adoption), adoption


def of(**named: str) -> Filter:
    return Filter(tuple(only(TextField(name), value) for name, value in named.items()))


async def ids(store: AdoptingMemoryStore, filter_: Filter = EVERYTHING, scope: Scope = EVERYWHERE) -> set[str]:
    page = await store.list(scope, filter_, limit=100)
    assert page.total == len(page.memories)
    return {memory.id for memory in page.memories}


async def test_the_records_of_a_user_are_served_before_the_others_are_adopted(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(*(record(f"m{n}", f"tea {n}", user_id=f"u{n % 2}", namespace="Team-A") for n in range(10)))
    store, adoption = await opened(client)
    assert await ids(store, of(user_id="u1")) == {"m1", "m3", "m5", "m7", "m9"}
    assert await ids(store, scope=Scope(frozenset({"Team-A"}), frozenset({"u0"}))) == {"m0", "m2", "m4", "m6", "m8"}
    assert not await adoption.complete()


async def test_equal_but_for_case_is_another_user(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", user_id="Ada"), record("m2", "tea", user_id="ada"))
    store, _ = await opened(client)
    assert await ids(store, of(user_id="Ada")) == {"m1"}


async def test_a_request_that_names_nobody_fails_until_all_is_adopted_and_says_how_far_that_is(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea"))
    store, adoption = await opened(client, wait_s=0.0)
    with pytest.raises(Unavailable, match="still being taken over"):
        await store.list(EVERYWHERE, EVERYTHING, limit=10)
    await adoption.run()
    assert await ids(store) == {"m1"}


@pytest.mark.parametrize("user_id", ["a,b", "a|b", " a", "", "ü\u00a0ber"])
async def test_a_user_whom_the_reference_servers_index_cannot_tell_is_found_after_the_walk(
    client: Redis, reference: ReferenceDatabase, user_id: str
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", user_id=user_id), record("m2", "tea", user_id="other"))
    store, adoption = await opened(client)
    await adoption.run()
    assert await ids(store, of(user_id=user_id)) == {"m1"}


async def test_older_records_under_an_older_index_are_found_by_all_that_they_hold(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_older_index()
    await reference.add(
        older_record("m1", "likes tea", user_id="u1"),
        older_record("m2", "said hi", user_id="u1", created_at="2024-05-01T10:00:00+00:00", last_accessed="1714557600"),
        older_record("m3", "no times", user_id="u1", created_at=None, updated_at="soon", event_date="some day"),
        older_record("m4", "no vector", user_id="u1", vector=None),
        older_record("m5", "short vector", user_id="u1", vector=b"\0" * 12, access_count="often"),
    )
    store, adoption = await opened(client)
    await adoption.run()
    assert await ids(store) == {"m1", "m2", "m3", "m4", "m5"}
    assert await ids(store, Filter((only(TagField.TOPICS, "green tea"), only(TagField.ENTITIES, "Bob")))) == {
        "m1", "m2", "m3", "m4", "m5",
    }  # fmt: skip
    spring = TimeRange(field=TimeField.CREATED_AT, low=1_714_000_000, high=1_715_000_000)
    assert await ids(store, Filter((spring,))) == {"m1", "m2", "m4", "m5"}
    (memory,) = await store.get(EVERYWHERE, ["m1"])
    assert (memory.memory_type, memory.topics, memory.revision) == (MemoryType.MESSAGE, ("tea", "green tea"), 1)
    assert {owed.id for owed in await store.owed_embeddings(limit=10)} == {"m4", "m5"}


async def test_a_record_without_an_id_goes_by_its_key(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_index()
    await reference.add_hash("m1", record(None, "tea", user_id="u1"))
    store, adoption = await opened(client)
    assert [memory.text for memory in await store.get(EVERYWHERE, ["m1"])] == ["tea"]
    await adoption.run()
    assert await ids(store) == {"m1"}


async def test_a_record_under_another_key_goes_by_its_id(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_index()
    await reference.add_hash("older-key", record("m1", "tea", user_id="u1"))
    store, adoption = await opened(client)
    assert [memory.id for memory in await store.get(EVERYWHERE, ["m1"])] == ["m1"]
    await adoption.run()
    assert await ids(store) == {"m1"}
    assert await client.exists("memory_idx:older-key") == 0


async def test_a_record_whose_id_another_one_holds_is_left_alone(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_index()
    await reference.add_hash("m1", record("m1", "tea"))
    await reference.add_hash("x", record("m1", "coffee"))
    before = await client.dump("memory_idx:x")
    store, adoption = await opened(client)
    last = [step async for step in adoption.walk()][-1]
    assert (last.adopted, last.conflicts, last.debris) == (1, 1, 0)
    assert await client.dump("memory_idx:x") == before
    assert await ids(store) == {"m1"}


async def test_debris_is_left_alone_and_counted(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea"))
    await reference.add_hash("half", {"access_count": "3", "last_accessed": "1714557600"})
    await reference.add_hash("", record(None, "no id at all"))
    store, adoption = await opened(client)
    last = [step async for step in adoption.walk()][-1]
    assert (last.seen, last.adopted, last.debris) == (3, 1, 2)
    assert await ids(store) == {"m1"}
    assert await client.hlen("memory_idx:half") == 2


async def test_adopted_records_can_be_changed_superseded_and_deleted(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", user_id="u1"), record("m2", "coffee", user_id="u1"))
    store, _ = await opened(client)
    changed = write("m1", "green tea", user_id="u1", created_at=CREATED_AT)
    stored = await store.update(EVERYWHERE, changed.memory, if_revision=1, vector=direction(5.0), text_changed=True)
    assert stored.revision == 2
    assert await store.delete(EVERYWHERE, ["m2", "m3"]) == 1
    assert await ids(store, of(user_id="u1")) == {"m1"}
    assert [memory.id for memory in await store.get(EVERYWHERE, ["m1@1"])] == ["m1@1"]


async def test_equal_content_is_no_new_record_beside_one_of_the_reference_server(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", user_id="u1", namespace="team"))
    store, _ = await opened(client)
    (result,) = await store.put(
        EVERYWHERE, [write("new", "tea", user_id="u1", namespace="team")], now=NOW, deduplicate=True
    )
    assert result.id == "m1"


async def test_adopting_changes_nothing_that_the_reference_server_wrote(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", topics="a,b", user_id="u1"), older_record("m2", "coffee"))
    await reference.add_surroundings()
    await reference.add_session("working_memory:s1", {"messages": [], "session_id": "s1"})
    written = {id_: await client.hgetall(f"memory_idx:{id_}") for id_ in ("m1", "m2")}
    around = await reference.snapshot()
    _, adoption = await opened(client)
    await adoption.run()
    for id_, fields in written.items():
        now = await client.hgetall(f"memory_idx:{id_}")
        assert {name: now[name] for name in fields} == fields
    after = await reference.snapshot()
    assert all(after[key] == value for key, value in around.items() if not key.startswith(b"memory_idx:"))
    added = {b"agent-memory:{adoption}:memory_idx", b"agent-memory:changes"}
    assert {key for key in after if key not in around} == added


async def test_many_processes_adopt_together_and_each_record_once(client: Redis, reference: ReferenceDatabase) -> None:
    await reference.add_older_index()
    await reference.add(*(older_record(f"m{n}", f"tea {n}", user_id=f"u{n % 7}") for n in range(700)))
    stores = [await opened(client) for _ in range(5)]
    asked = [ids(store, of(user_id="u3")) for store, _ in stores]
    walks = asyncio.gather(*(adoption.run() for _, adoption in stores))
    assert all(one == {f"m{n}" for n in range(3, 700, 7)} for one in await asyncio.gather(*asked))
    await walks
    assert (await stores[0][0].list(EVERYWHERE, EVERYTHING, limit=1)).total == 700
    assert await client.exists("agent-memory:{adoption}:memory_idx:lease") == 0


async def test_a_walk_that_was_cut_off_is_begun_again_by_another_process(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(*(record(f"m{n}", f"tea {n}") for n in range(1_200)))
    _, first = await opened(client)
    async for step in first.walk():
        if step.adopted:
            break
    store, second = await opened(client)
    progress = await second.progress()
    assert progress is not None
    assert 0 < progress.seen < progress.total
    told = await store.taking_over()
    assert told is not None
    assert told.startswith(f"{progress.seen} of about {progress.total} memories")
    await second.run()
    assert await store.taking_over() is None
    assert (await store.list(EVERYWHERE, EVERYTHING, limit=1)).total == 1_200
    assert await second.progress() is None


class _Overtaken(Adoption):
    """The other server changes a record right after it was read."""

    def __init__(self, client: Redis, reference: ReferenceDatabase) -> None:
        super().__init__(client, OPTIONS)
        self._reference = reference

    async def _read(self, page: Sequence[bytes]) -> list[tuple[list[bytes | None], int, bytes | None]]:
        found = await super()._read(page)
        await self._reference.add(record("m1", "tea", topics="changed", user_id="u1"))
        return found


async def test_a_record_that_changes_while_it_is_adopted_is_adopted_as_it_is_then(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea", user_id="u1"))
    store, _ = await opened(client)
    assert (await _Overtaken(client, reference).adopt([b"memory_idx:m1"])).adopted == 0
    assert await ids(store, Filter((only(TagField.TOPICS, "changed"), only(TextField.USER_ID, "u1")))) == {"m1"}


async def test_an_index_that_had_to_be_made_is_read_whole_before_it_is_asked(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add(*(record(f"m{n}", f"tea {n}", user_id="u1") for n in range(2_000)))
    store, adoption = await opened(client)
    await adoption.run()
    assert (await store.list(EVERYWHERE, of(user_id="u1"), limit=1)).total == 2_000
    await drop_index(client, OPTIONS.name)
    store, adoption = await opened(client)
    assert not await adoption.complete()
    await adoption.run()
    assert (await store.list(EVERYWHERE, of(user_id="u1"), limit=1)).total == 2_000


async def test_what_the_reference_server_writes_later_is_adopted_at_the_next_start(
    client: Redis, reference: ReferenceDatabase
) -> None:
    await reference.add_index()
    await reference.add(record("m1", "tea"))
    _, first = await opened(client)
    await first.run()
    await reference.add(record("m2", "coffee"))
    store, second = await opened(client)
    await second.run()
    assert await ids(store) == {"m1", "m2"}

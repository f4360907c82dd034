"""A Redis Cluster without a coordinator: whole answers, moved slots, and a node whose replica takes over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import NoReturn, TypeVar

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.adoption import open_index
from agent_memory_server.adapters.redis.changes import ChangeWriter
from agent_memory_server.adapters.redis.connection import Limits, command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.model import forget_vectors
from agent_memory_server.adapters.redis.owing import Owing
from agent_memory_server.adapters.redis.rebuilding import Rebuilt, rebuild
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.domain.errors import Conflict, MemoryServerError, Unavailable
from agent_memory_server.domain.filters import EVERYTHING, Filter, Match, Op, TextField, only
from agent_memory_server.domain.query import Mode, Order, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.ports.memory_store import PutStatus
from tests.contract.memories import DIMENSIONS, NOW, direction, write
from tests.support.redis_cluster import Cluster, redis_cluster, slot_of
from tests.support.redis_server import BOUND_S

T = TypeVar("T")

OPTIONS = IndexOptions(dimensions=DIMENSIONS)
USER = only(TextField.USER_ID, "u1")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with redis_cluster(replicas=True) as running:
        yield running


@dataclass
class Stores:
    client: Redis
    memories: RedisMemoryStore
    sessions: RedisSessionStore


@pytest.fixture
async def cluster(nodes: Cluster) -> AsyncIterator[Stores]:
    nodes.empty()
    async with open_client(nodes.url, Limits(answer_s=2.0)) as client:
        yield await _opened(client)


async def _opened(client: Redis) -> Stores:
    await ensure_index(client, OPTIONS)
    await ensure_session_index(client, SessionOptions())
    return Stores(client, RedisMemoryStore(client, OPTIONS), RedisSessionStore(client, SessionOptions(), OPTIONS))


async def _fill(stores: Stores, count: int, *, start: int = 0) -> None:
    writes = [write(f"m{n}", f"tea {n}", at=n / 10, created_at=NOW + n // 3) for n in range(start, start + count)]
    results = await stores.memories.put(EVERYWHERE, writes, now=NOW)
    assert {result.status for result in results} == {PutStatus.CREATED}


async def _walked(stores: Stores, order: Order) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await stores.memories.list(EVERYWHERE, EVERYTHING, order=order, limit=7, cursor=cursor)
        found += [memory.id for memory in page.memories]
        cursor = page.cursor
        if cursor is None:
            return found


async def test_listings_searches_and_counts_know_the_records_of_every_node(cluster: Stores, nodes: Cluster) -> None:
    await _fill(cluster, 60)
    assert all(node.client.keys("memory_idx:*") for node in nodes.primaries)
    assert (await cluster.memories.stats()).memories == 60
    expected = sorted((f"m{n}" for n in range(60)), key=lambda id_: (-(int(id_[1:]) // 3), id_))
    assert await _walked(cluster, Order.NEWEST) == expected
    assert await _walked(cluster, Order.STORED) == sorted(expected)
    page = await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=5, offset=31)
    assert [memory.id for memory in page.memories] == expected[31:36]
    query = StoreQuery(mode=Mode.SEMANTIC, vector=direction(0.0), limit=60)
    ranked = await cluster.memories.search(EVERYWHERE, query)
    assert [hit.memory.id for hit in ranked.hits] == [f"m{n}" for n in range(60)]


async def test_many_processes_that_start_at_once_make_one_index_for_each_node(nodes: Cluster) -> None:
    nodes.empty()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(open_client(nodes.url)) for _ in range(6)]
        stores = await asyncio.gather(*map(_opened, clients))
        await _fill(stores[0], 10)
        for store in stores:
            assert (await store.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 10
    assert [len(nodes.indexes(node)) for node in nodes.primaries] == [2, 2, 2]


async def test_sessions_of_every_node_are_listed_in_order(cluster: Stores) -> None:
    for n in range(30):
        key = SessionKey("team", "ada", f"s{n:02}")
        await cluster.sessions.append(EVERYWHERE, key, [_message("a", n)], now=NOW + n)
    page = await cluster.sessions.list(EVERYWHERE, namespace="team", user_id=None, limit=10, offset=15, now=NOW + 100)
    assert [key.session_id for key in page.keys] == [f"s{n}" for n in range(15, 25)]
    assert page.total == 30


def _message(id_: str, at: int) -> Message:
    return Message(id=id_, role="user", content="tea", created_at=NOW + at)


async def test_a_message_and_its_record_are_stored_though_they_lie_on_different_nodes(cluster: Stores) -> None:
    key = SessionKey("team", "ada", "s1")
    for n in range(12):
        record = write(f"r{n}", f"user: tea {n}", namespace="team", user_id="ada", session_id="s1")
        await cluster.sessions.append(EVERYWHERE, key, [_message(f"m{n}", n)], now=NOW + n, records=[record])
    session = await cluster.sessions.get(EVERYWHERE, key, now=NOW + 20)
    assert session is not None
    assert len(session.messages) == 12
    assert (await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 12


async def test_two_processes_see_each_others_changes_at_the_next_search(cluster: Stores, nodes: Cluster) -> None:
    await _fill(cluster, 20)
    async with open_client(nodes.url) as client:
        other = await _opened(client)
        query = StoreQuery(mode=Mode.SEMANTIC, vector=direction(90.0), limit=1)
        for n in range(20):
            await cluster.memories.put(EVERYWHERE, [write(f"new{n}", at=30.0 + n)], now=NOW)
            (hit,) = (await other.memories.search(EVERYWHERE, query)).hits
            assert hit.memory.id == f"new{n}"


async def test_a_change_that_was_announced_and_cut_off_before_it_was_told_is_seen(cluster: Stores) -> None:
    await _fill(cluster, 5)
    query = StoreQuery(mode=Mode.SEMANTIC, vector=direction(90.0), limit=1)
    assert (await cluster.memories.search(EVERYWHERE, query)).hits[0].memory.id == "m4"
    await ChangeWriter(cluster.client).around([("m0", ("", ""))]).__aenter__()
    assert (await cluster.memories.search(EVERYWHERE, query)).hits[0].memory.id == "m4"
    await cluster.client.hset("memory_idx:m0", "vector", direction(90.0).tobytes())
    # Here whoever announced it dies.
    assert (await cluster.memories.search(EVERYWHERE, query)).hits[0].memory.id == "m0"


async def test_whole_answers_and_writes_go_on_while_slots_move(cluster: Stores, nodes: Cluster) -> None:
    await _fill(cluster, 200)
    moving = asyncio.Event()
    seen: list[int] = []
    written = 0

    async def read() -> None:
        while not moving.is_set():
            seen.append((await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1000)).total)

    async def work() -> None:
        nonlocal written
        while not moving.is_set():
            await cluster.memories.put(EVERYWHERE, [write(f"w{written}", user_id="u1")], now=NOW)
            written += 1
            listed = await cluster.memories.list(EVERYWHERE, Filter((USER,)), limit=1)
            assert listed.total == written

    slots = {slot_of(f"memory_idx:m{n}") for n in range(0, 200, 4)}

    async def move() -> None:
        try:
            for slot in sorted(slots):
                await asyncio.to_thread(_move_on, nodes, slot)
        finally:
            moving.set()

    await asyncio.gather(read(), work(), move())
    assert seen
    assert all(200 <= total <= 200 + written for total in seen)
    assert (await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 200 + written


async def test_a_record_that_moves_past_a_question_is_found_when_all_are_asked_again(
    cluster: Stores, nodes: Cluster
) -> None:
    """Its new node is asked before it comes, its old one after it has gone."""
    await _fill(cluster, 1)
    slot = slot_of("memory_idx:m0")
    source = nodes.owner(slot)
    to = next(node for node in nodes.primaries if node is not source)
    names = {name: node for node in (source, to) for name in nodes.indexes(node)}
    _ = await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)
    nodes.begin_move(slot, to)
    asked = asyncio.Event()

    async def ask(shard: Shard) -> int:
        if names.get(shard.name) is source and not asked.is_set():
            await asked.wait()
            await asyncio.to_thread(nodes.move_keys, slot, source, to)
        reply = await command(shard.client, "FT.SEARCH", shard.name, "*", "NOCONTENT", "DIALECT", "2")
        if names.get(shard.name) is to:
            asked.set()
        return int(reply[b"total_results"])

    found = await shards_of(cluster.client, OPTIONS.name).ask(ask)
    nodes.end_move(slot, source, to)
    assert (found.twice, sum(found.answers)) == (True, 1)


def _move_on(nodes: Cluster, slot: int) -> None:
    """Move a slot to the next primary, one key at a time."""
    source = nodes.owner(slot)
    to = nodes.primaries[(nodes.primaries.index(source) + 1) % len(nodes.primaries)]
    nodes.begin_move(slot, to)
    while nodes.move_keys(slot, source, to, most=1):
        pass
    nodes.end_move(slot, source, to)


async def test_an_index_whose_names_slot_moves_away_is_made_again_under_another_name(
    cluster: Stores, nodes: Cluster
) -> None:
    await _fill(cluster, 30)
    (name,) = [one for one in nodes.indexes(nodes.primaries[0]) if one.startswith("memory_records")]
    await asyncio.to_thread(nodes.move, slot_of(name), nodes.primaries[1])
    page = await _when_answered(lambda: cluster.memories.list(EVERYWHERE, EVERYTHING, limit=100))
    assert (page.total, len(page.memories)) == (30, 30)


async def _when_answered(ask: Callable[[], Awaitable[T]]) -> T:
    """The first answer that is none of an outage."""
    end = time.monotonic() + BOUND_S
    while True:
        try:
            return await ask()
        except MemoryServerError:
            assert time.monotonic() < end, "it does not recover"
            await asyncio.sleep(0.05)


async def test_the_index_is_made_again_shard_by_shard_with_whole_answers_throughout(cluster: Stores) -> None:
    await _fill(cluster, 300)
    seen = set()
    steps = []
    async for step in rebuild(cluster.client, OPTIONS):
        seen.add((await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total)
        steps.append(step)
    assert seen == {300}
    assert steps[-1] == Rebuilt(done=300, total=300)
    await _fill(cluster, 10, start=300)
    assert (await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 310


async def test_a_place_too_large_for_memory_is_searched_on_every_node(cluster: Stores) -> None:
    await _fill(cluster, 120)
    memories = RedisMemoryStore(cluster.client, OPTIONS, SearchOptions(cache_mb=0))
    near = StoreQuery(mode=Mode.SEMANTIC, vector=direction(6.0), limit=5)
    ranked = await memories.search(EVERYWHERE, near)
    assert ranked.total == 120
    assert {hit.memory.id for hit in ranked.hits} == {"m58", "m59", "m60", "m61", "m62"}
    words = StoreQuery(mode=Mode.KEYWORD, terms=(Term(("77",)),), text="77", limit=5)
    assert [hit.memory.id for hit in (await memories.search(EVERYWHERE, words)).hits] == ["m77"]


async def test_a_refused_write_of_a_session_leaves_no_record(cluster: Stores, nodes: Cluster) -> None:
    async with open_client(nodes.url) as client:
        stores = [cluster, await _opened(client)]
        for turn in range(12):
            key = SessionKey("team", "ada", f"s{turn}")
            began = await cluster.sessions.append(EVERYWHERE, key, [_message("first", 0)], now=NOW)

            async def put(number: int, began: Session = began.session) -> str | None:
                session = replace(began, messages=(_message(f"by{number}", 1),))
                record = write(f"{began.key.session_id}-{number}", "user: tea", namespace="team", user_id="ada")
                store = stores[number % 2].sessions
                try:
                    await store.put(EVERYWHERE, session, now=NOW, if_revision=began.revision, records=[record])
                except Conflict:
                    return None
                return record.memory.id

            won = [id_ for id_ in await asyncio.gather(*map(put, range(4))) if id_]
            assert len(won) == 1
            prefix = Match(TextField.ID, Op.PREFIX, (f"s{turn}-",))
            page = await cluster.memories.list(EVERYWHERE, Filter((prefix,)), limit=10)
            assert [memory.id for memory in page.memories] == won
    assert await cluster.client.zcard(keys.OWING) == 0


async def test_messages_that_two_processes_read_at_once_are_remembered_by_one(cluster: Stores, nodes: Cluster) -> None:
    async with open_client(nodes.url) as client:
        stores = [cluster, await _opened(client)]
        for turn in range(12):
            key = SessionKey("team", "ada", f"s{turn}")
            message = _message("first", 0)
            await cluster.sessions.append(EVERYWHERE, key, [message], now=NOW)

            async def mark(number: int, key: SessionKey = key, message: Message = message) -> int:
                record = write(
                    f"{key.session_id}-{number}",
                    f"likes tea {number} {key.session_id}",
                    user_id="ada",
                    namespace="team",
                )
                store = stores[number % 2].sessions
                return len((await store.mark_extracted(EVERYWHERE, key, [message], now=NOW, records=[record])).records)

            assert sorted(await asyncio.gather(*map(mark, range(4)))) == [0, 0, 0, 1]
            prefix = Match(TextField.ID, Op.PREFIX, (f"s{turn}-",))
            page = await cluster.memories.list(EVERYWHERE, Filter((prefix,)), limit=10)
            assert len(page.memories) == 1


async def _append_and_die(cluster: Stores, monkeypatch: pytest.MonkeyPatch, owner: type, step: str) -> None:
    """Append a message with the record r1 in a process that ends before this step."""
    key = SessionKey("team", "ada", "s1")
    record = write("r1", "user: tea", namespace="team", user_id="ada", session_id="s1")

    async def dies(*_: object, **__: object) -> NoReturn:
        raise Unavailable("the process ends here")

    with monkeypatch.context() as cut:
        cut.setattr(owner, step, dies)
        with pytest.raises(Unavailable):
            await cluster.sessions.append(EVERYWHERE, key, [_message("m1", 0)], now=NOW, records=[record])


async def test_what_a_process_that_died_owes_the_records_is_completed(
    cluster: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _append_and_die(cluster, monkeypatch, Records, "change_each")
    assert await cluster.memories.get(EVERYWHERE, ["r1"]) == []
    owing = Owing(cluster.client, Records(cluster.client, prefix=OPTIONS.prefix, index=OPTIONS.name))
    assert await owing.complete() == 0  # whoever owes it may be at it still
    assert await owing.complete(alive_s=0.0) == 1
    assert [memory.text for memory in await cluster.memories.get(EVERYWHERE, ["r1"])] == ["user: tea"]
    assert (await owing.complete(alive_s=0.0), await cluster.client.zcard(keys.OWING)) == (0, 0)


async def test_a_memory_that_is_deleted_before_a_process_that_died_is_made_up_for_stays_deleted(
    cluster: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _append_and_die(cluster, monkeypatch, Owing, "settle")
    assert await cluster.memories.delete(EVERYWHERE, ["r1"]) == 1
    owing = Owing(cluster.client, Records(cluster.client, prefix=OPTIONS.prefix, index=OPTIONS.name))
    assert await owing.complete(alive_s=0.0) == 1
    assert await cluster.memories.get(EVERYWHERE, ["r1"]) == []


def _scripts_sent(nodes: Cluster) -> int:
    """How often a whole script was sent to any node."""
    stats = [node.client.info("commandstats") for node in nodes.primaries if node.process.poll() is None]
    return sum(one.get("cmdstat_eval", {}).get("calls", 0) for one in stats)


async def test_a_script_is_sent_as_a_whole_only_to_a_node_that_does_not_know_it(
    cluster: Stores, nodes: Cluster
) -> None:
    await _fill(cluster, 60)
    before = _scripts_sent(nodes)
    await _fill(cluster, 60, start=60)
    await cluster.memories.touch(EVERYWHERE, [f"m{n}" for n in range(120)], at=NOW + 5_000)
    await cluster.memories.touch(EVERYWHERE, [f"m{n}" for n in range(120)], at=NOW + 10_000)
    assert _scripts_sent(nodes) - before <= len(nodes.primaries)  # the one for accesses is new to each
    for node in nodes.primaries:
        node.client.script_flush()
    await _fill(cluster, 60, start=120)
    assert await cluster.memories.touch(EVERYWHERE, [f"m{n}" for n in range(180)], at=NOW + 15_000) == 180
    key = SessionKey("team", "ada", "s1")
    await cluster.sessions.append(EVERYWHERE, key, [_message("a", 1)], now=NOW)
    assert (await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 180


async def test_vectors_of_every_node_are_forgotten_for_another_model(cluster: Stores) -> None:
    await _fill(cluster, 40)
    options = IndexOptions(dimensions=DIMENSIONS + 4)
    assert await forget_vectors(cluster.client, options, StoredModel("another", DIMENSIONS + 4)) == 40
    await ensure_index(cluster.client, options)
    assert len(await RedisMemoryStore(cluster.client, options).owed_embeddings(limit=100)) == 40


async def test_records_of_a_database_that_was_moved_into_a_cluster_are_adopted(cluster: Stores) -> None:
    await _fill(cluster, 40)
    for n in range(40):  # as another server would have written them
        await cluster.client.hdel(f"memory_idx:m{n}", "exact_", "order_", "revision_", "number_", "owed_")
    adoption = await open_index(cluster.client, OPTIONS)
    last = [step async for step in adoption.walk()][-1]
    assert last.adopted == 40
    assert (await cluster.memories.list(EVERYWHERE, EVERYTHING, limit=1)).total == 40


async def test_when_a_node_dies_its_replica_takes_over_with_all_that_was_acknowledged(
    cluster: Stores, nodes: Cluster
) -> None:
    """Runs last: the cluster has lost a node then. Redis acknowledges before a replica has a write, so what this test
    counts on is written before the replicas are known to have followed."""
    await _fill(cluster, 60)
    for node in nodes.primaries:
        assert node.client.wait(1, 5000) == 1
    nodes.primaries[0].kill()
    await _when_answered(lambda: cluster.memories.put(EVERYWHERE, [write("after", user_id="u1")], now=NOW))
    page = await _when_answered(lambda: cluster.memories.list(EVERYWHERE, EVERYTHING, limit=100))
    assert {memory.id for memory in page.memories} == {"after", *(f"m{n}" for n in range(60))}
    await _when_answered(lambda: cluster.memories.put(EVERYWHERE, [write(f"n{n}") for n in range(20)], now=NOW))
    ranked = await cluster.memories.search(EVERYWHERE, StoreQuery(mode=Mode.SEMANTIC, vector=direction(0.0), limit=100))
    assert ranked.total == 81

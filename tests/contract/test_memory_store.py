"""The MemoryStore port: storing, replacing, updating, deleting, and what is owed. Every engine passes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden, NotFound
from agent_memory_server.domain.filters import EVERYTHING, Filter, TextField, only
from agent_memory_server.domain.memory import MemoryType, hash_of
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryStore, PutStatus
from tests.contract.memories import ENGINES, NOW, direction, memory, open_store, write

ALICE = Scope(frozenset({"team"}), frozenset({"alice"}))
BOB = Scope(frozenset({"team"}), frozenset({"bob"}))
ODD = [
    "",
    " ",
    "a,b",
    "a|b",
    "a'b",
    'a"b',
    "%",
    "_",
    "*",
    "\\",
    "{}",
    "@x:[1]",
    "é",
    "e\u0301",
    "日本",
    "\U0010ffff",
    "A",
    "a",
]


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore]:
    async with open_store(request.param, tmp_path) as opened:
        yield opened


async def _ids(store: MemoryStore, scope: Scope = EVERYWHERE, filter_: Filter = EVERYTHING) -> set[str]:
    page = await store.list(scope, filter_, limit=1000)
    assert page.total == len(page.memories)
    return {found.id for found in page.memories}


async def test_a_stored_record_is_read_back_as_it_was(store: MemoryStore) -> None:
    stored = memory(
        "m1",
        'Alice\'s "tea", at 5 %\n日本',
        created_at=NOW + 0.123456,
        updated_at=NOW + 1.5,
        last_accessed=NOW + 2.25,
        namespace="team",
        user_id="alice",
        session_id="s",
        memory_type=MemoryType.EPISODIC,
        topics=("tea, green", "Morning|walk", ""),
        entities=("Bob's",),
        persisted_at=NOW + 3,
        event_date=NOW - 86400,
        pinned=True,
        access_count=4,
        memory_hash="abc",
        discrete_memory_extracted=False,
        extraction_strategy="summary",
        extraction_strategy_config={"max": 3, "names": ["x"]},
        extracted_from=("msg1", "msg2"),
        metadata={"source": {"page": 1}, "é": None},
    )
    (result,) = await store.put(EVERYWHERE, [replace(write("m1"), memory=stored)], now=NOW)
    assert (result.id, result.status) == ("m1", PutStatus.CREATED)
    assert await store.get(EVERYWHERE, ["m1"]) == [stored]


async def test_records_come_in_the_order_of_the_ids_and_missing_ones_are_left_out(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a"), write("b"), write("c")], now=NOW)
    assert [found.id for found in await store.get(EVERYWHERE, ["c", "x", "a"])] == ["c", "a"]
    assert await store.get(EVERYWHERE, []) == []


async def test_a_new_record_has_revision_one_and_a_hash(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", revision=7)], now=NOW)
    (stored,) = await store.get(EVERYWHERE, ["a"])
    assert stored.revision == 1
    assert stored.memory_hash == hash_of(stored)


async def test_putting_an_id_again_replaces_content_keeps_persisted_at_and_raises_the_revision(
    store: MemoryStore,
) -> None:
    await store.put(EVERYWHERE, [write("a", "tea", persisted_at=NOW, topics=("x", "y"))], now=NOW)
    (result,) = await store.put(EVERYWHERE, [write("a", "coffee", persisted_at=NOW + 9, topics=("y", "z"))], now=NOW)
    assert result.status is PutStatus.REPLACED
    (stored,) = await store.get(EVERYWHERE, ["a"])
    assert (stored.text, stored.persisted_at, stored.revision, stored.topics) == ("coffee", NOW, 2, ("y", "z"))


async def test_of_two_records_with_one_id_in_a_request_the_later_stays(store: MemoryStore) -> None:
    results = await store.put(EVERYWHERE, [write("a", "tea"), write("b"), write("a", "coffee")], now=NOW)
    assert [result.status for result in results] == [PutStatus.CREATED, PutStatus.CREATED, PutStatus.REPLACED]
    assert [found.text for found in await store.get(EVERYWHERE, ["a"])] == ["coffee"]


async def test_a_replaced_record_can_move_to_another_user(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", namespace="team", user_id="alice", topics=("t",))], now=NOW)
    await store.put(EVERYWHERE, [write("a", namespace="team", user_id="bob", topics=("t",))], now=NOW)
    assert await _ids(store, ALICE) == set()
    assert await _ids(store, BOB) == {"a"}
    assert (await store.get(BOB, ["a"]))[0].revision == 2


async def test_a_record_outside_the_scope_refuses_the_whole_request(store: MemoryStore) -> None:
    writes = [write("a", namespace="team", user_id="alice"), write("b", namespace="team", user_id="bob")]
    with pytest.raises(Forbidden):
        await store.put(ALICE, writes, now=NOW)
    assert await _ids(store) == set()


async def test_an_id_that_belongs_to_another_scope_is_refused_and_its_record_stays(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "bob's", namespace="team", user_id="bob")], now=NOW)
    results = await store.put(
        ALICE, [write("a", namespace="team", user_id="alice"), write("b", namespace="team", user_id="alice")], now=NOW
    )
    assert [result.status for result in results] == [PutStatus.REFUSED, PutStatus.CREATED]
    assert (await store.get(EVERYWHERE, ["a"]))[0].text == "bob's"


async def test_a_fallback_id_is_taken_when_another_place_holds_the_id(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "first", session_id="s1")], now=NOW)
    for expected in (PutStatus.CREATED, PutStatus.REPLACED):
        (result,) = await store.put(EVERYWHERE, [write("a", "second", session_id="s2", fallback="s2-a")], now=NOW)
        assert (result.id, result.status) == ("s2-a", expected)
    (result,) = await store.put(EVERYWHERE, [write("a", "third", session_id="s1", fallback="s1-a")], now=NOW)
    assert (result.id, result.status) == ("a", PutStatus.REPLACED)
    assert await _ids(store) == {"a", "s2-a"}


async def test_the_same_content_in_the_same_place_is_a_duplicate_and_notes_the_access(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "tea", session_id="s")], now=NOW)
    results = await store.put(
        EVERYWHERE,
        [write("b", "tea", session_id="s"), write("c", "tea", session_id="t"), write("d", "tea", session_id="t")],
        now=NOW + 60,
        deduplicate=True,
    )
    assert [(result.id, result.status) for result in results] == [
        ("a", PutStatus.DUPLICATE),
        ("c", PutStatus.CREATED),
        ("c", PutStatus.DUPLICATE),
    ]
    assert await _ids(store) == {"a", "c"}
    assert (await store.get(EVERYWHERE, ["a"]))[0].last_accessed == NOW + 60


async def test_a_record_is_no_duplicate_of_itself(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "tea")], now=NOW)
    (result,) = await store.put(EVERYWHERE, [write("a", "tea")], now=NOW, deduplicate=True)
    assert (result.id, result.status) == ("a", PutStatus.REPLACED)


async def test_an_update_replaces_the_content_of_the_revision_it_was_made_from(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "tea", namespace="team", user_id="alice")], now=NOW)
    (read,) = await store.get(ALICE, ["a"])
    stored = await store.update(
        ALICE, replace(read, topics=("x",), updated_at=NOW + 1), if_revision=1, vector=None, text_changed=False
    )
    assert stored.revision == 2
    assert await store.get(ALICE, ["a"]) == [stored]
    assert list(await store.owed_embeddings(limit=10)) == []
    with pytest.raises(Conflict):
        await store.update(ALICE, replace(read, topics=("y",)), if_revision=1, vector=None, text_changed=False)
    assert (await store.get(ALICE, ["a"]))[0].topics == ("x",)


async def test_an_update_of_the_text_without_a_vector_owes_the_embedding(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "tea")], now=NOW)
    (read,) = await store.get(EVERYWHERE, ["a"])
    newer = replace(read, text="coffee", memory_hash="")
    await store.update(EVERYWHERE, newer, if_revision=1, vector=None, text_changed=True)
    owed = await store.owed_embeddings(limit=10)
    assert [(one.id, one.revision, one.text) for one in owed] == [("a", 2, "coffee")]


async def test_an_access_noted_meanwhile_is_not_undone_by_an_update(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a")], now=NOW)
    (read,) = await store.get(EVERYWHERE, ["a"])
    await store.touch(EVERYWHERE, ["a"], at=NOW + 1000)
    await store.update(EVERYWHERE, replace(read, topics=("x",)), if_revision=1, vector=None, text_changed=False)
    (stored,) = await store.get(EVERYWHERE, ["a"])
    assert (stored.last_accessed, stored.access_count) == (NOW + 1000, 1)


async def test_an_update_of_a_record_outside_the_scope_finds_nothing(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", namespace="team", user_id="bob")], now=NOW)
    (read,) = await store.get(EVERYWHERE, ["a"])
    with pytest.raises(NotFound):
        await store.update(ALICE, read, if_revision=1, vector=None, text_changed=False)
    with pytest.raises(NotFound):
        await store.update(EVERYWHERE, memory("x"), if_revision=1, vector=None, text_changed=False)
    with pytest.raises(Forbidden):
        await store.update(BOB, replace(read, user_id="alice"), if_revision=1, vector=None, text_changed=False)


async def test_of_updates_made_from_one_revision_exactly_one_is_stored(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a")], now=NOW)
    (read,) = await store.get(EVERYWHERE, ["a"])
    results = await asyncio.gather(
        *(
            store.update(EVERYWHERE, replace(read, topics=(f"t{n}",)), if_revision=1, vector=None, text_changed=False)
            for n in range(20)
        ),
        return_exceptions=True,
    )
    stored = [result for result in results if not isinstance(result, BaseException)]
    assert len(stored) == 1
    assert all(isinstance(result, Conflict) for result in results if isinstance(result, BaseException))
    assert await store.get(EVERYWHERE, ["a"]) == stored


async def test_deleting_is_idempotent_and_stays_within_the_scope(store: MemoryStore) -> None:
    await store.put(
        EVERYWHERE, [write(f"a{n}", namespace="team", user_id=user) for n, user in enumerate(["alice", "bob"])], now=NOW
    )
    assert await store.delete(ALICE, ["a0", "a1", "a0", "x"]) == 1
    assert await store.delete(ALICE, ["a0", "a1"]) == 0
    assert await _ids(store) == {"a1"}
    assert await store.delete(EVERYWHERE, []) == 0


async def test_a_deleted_id_can_be_used_again(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", "tea", topics=("x",))], now=NOW)
    await store.delete(EVERYWHERE, ["a"])
    (result,) = await store.put(EVERYWHERE, [write("a", "coffee")], now=NOW)
    assert result.status is PutStatus.CREATED
    assert (await store.get(EVERYWHERE, ["a"]))[0].revision == 1


async def test_an_access_is_noted_after_a_quarter_of_an_hour_and_changes_no_revision(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a", namespace="team", user_id="alice")], now=NOW)
    assert await store.touch(ALICE, ["a"], at=NOW + 899) == 0
    assert await store.touch(BOB, ["a"], at=NOW + 900) == 0
    assert await store.touch(ALICE, ["a", "a", "gone"], at=NOW + 900) == 1
    (stored,) = await store.get(ALICE, ["a"])
    assert (stored.last_accessed, stored.access_count, stored.revision) == (NOW + 900, 1, 1)


async def test_a_record_without_a_vector_owes_it_until_it_is_set_for_its_revision(store: MemoryStore) -> None:
    await store.put(
        EVERYWHERE, [write("new", at=None, created_at=NOW), write("old", at=None, created_at=NOW - 9)], now=NOW
    )
    owed = await store.owed_embeddings(limit=10)
    assert [one.id for one in owed] == ["old", "new"]
    assert len(await store.owed_embeddings(limit=1)) == 1
    vectors = [("old", 1, direction(0)), ("new", 2, direction(0)), ("gone", 1, direction(0))]
    assert await store.set_vectors(vectors) == 1
    assert [one.id for one in await store.owed_embeddings(limit=10)] == ["new"]
    assert (await store.get(EVERYWHERE, ["old"]))[0].revision == 1
    assert await store.set_vectors([]) == 0


@pytest.mark.parametrize("name", ODD)
async def test_namespaces_users_and_sessions_are_exact_whatever_characters_they_hold(
    store: MemoryStore, name: str
) -> None:
    others = [other for other in ODD if other != name]
    await store.put(
        EVERYWHERE,
        [
            write(f"{n}", namespace=other, user_id=other, session_id=other, topics=(other,))
            for n, other in enumerate(ODD)
        ],
        now=NOW,
    )
    mine = {str(ODD.index(name))}
    assert await _ids(store, Scope(frozenset({name}))) == mine
    assert await _ids(store, Scope(None, frozenset({name}))) == mine
    assert await _ids(store, EVERYWHERE, Filter((only(TextField.SESSION_ID, name),))) == mine
    assert await _ids(store, Scope(frozenset(others)), Filter((only(TextField.USER_ID, name),))) == set()


async def test_no_grant_means_no_record(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write("a")], now=NOW)
    assert await _ids(store, Scope(frozenset())) == set()
    assert await _ids(store, Scope(None, frozenset())) == set()
    assert await _ids(store, Scope(frozenset({""}), frozenset({""}))) == {"a"}


async def test_duplicates_are_removed_but_the_one_accessed_last_and_pinned_ones(store: MemoryStore) -> None:
    await store.put(
        EVERYWHERE,
        [
            write("old", "tea", last_accessed=NOW - 2),
            write("last", "tea", last_accessed=NOW),
            write("pinned", "tea", last_accessed=NOW - 3, pinned=True),
            write("other session", "tea", session_id="s"),
            write("other text", "coffee"),
            write("other user", "tea", user_id="bob"),
        ],
        now=NOW,
    )
    assert await store.remove_duplicates(BOB, EVERYTHING) == 0
    assert await store.remove_duplicates(EVERYWHERE, EVERYTHING) == 1
    assert await store.remove_duplicates(EVERYWHERE, EVERYTHING) == 0
    assert await _ids(store) == {"last", "pinned", "other session", "other text", "other user"}


async def test_equal_hashes_of_different_users_are_no_duplicates(store: MemoryStore) -> None:
    await store.put(EVERYWHERE, [write(user, user_id=user, memory_hash="h") for user in ("alice", "bob")], now=NOW)
    assert await store.remove_duplicates(EVERYWHERE, EVERYTHING) == 0


async def test_figures_follow_every_change(store: MemoryStore) -> None:
    before = await store.stats()
    assert (before.memories, before.unembedded, before.sessions) == (0, 0, 0)
    await store.put(EVERYWHERE, [write("a"), write("b", at=None), write("c", user_id="bob")], now=NOW)
    await store.put(EVERYWHERE, [write("c", user_id="alice")], now=NOW)
    await store.delete(EVERYWHERE, ["a"])
    after = await store.stats()
    assert (after.memories, after.unembedded) == (2, 1)
    assert after.size_bytes > 0
    await store.ping()


async def test_what_one_task_stored_every_task_reads_at_once(store: MemoryStore) -> None:
    async def one(n: int) -> None:
        await store.put(EVERYWHERE, [write(f"{n}", user_id=f"u{n % 3}")], now=NOW)
        assert [found.id for found in await store.get(EVERYWHERE, [f"{n}"])] == [f"{n}"]

    await asyncio.gather(*(one(n) for n in range(50)))
    assert len(await _ids(store)) == 50

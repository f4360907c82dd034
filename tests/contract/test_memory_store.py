"""The MemoryStore port: storing, replacing, updating, deleting, and what is owed. Every engine passes it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden, NotFound
from agent_memory_server.domain.filters import EVERYTHING, Filter, TagField, TextField, only
from agent_memory_server.domain.memory import MemoryType, hash_of
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import Labels, MemoryStore, PutStatus
from tests.contract.memories import NOW, direction, memory, write


@pytest.fixture
def memories(records: MemoryStore) -> MemoryStore:
    return records


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


async def _ids(memories: MemoryStore, scope: Scope = EVERYWHERE, filter_: Filter = EVERYTHING) -> set[str]:
    page = await memories.list(scope, filter_, limit=1000)
    assert page.total == len(page.memories)
    return {found.id for found in page.memories}


async def test_a_stored_record_is_read_back_as_it_was(memories: MemoryStore) -> None:
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
    (result,) = await memories.put(EVERYWHERE, [replace(write("m1"), memory=stored)], now=NOW)
    assert (result.id, result.status) == ("m1", PutStatus.CREATED)
    assert await memories.get(EVERYWHERE, ["m1"]) == [stored]


async def test_records_come_in_the_order_of_the_ids_and_missing_ones_are_left_out(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a"), write("b"), write("c")], now=NOW)
    assert [found.id for found in await memories.get(EVERYWHERE, ["c", "x", "a"])] == ["c", "a"]
    assert await memories.get(EVERYWHERE, []) == []


async def test_a_new_record_has_revision_one_and_a_hash(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", revision=7)], now=NOW)
    (stored,) = await memories.get(EVERYWHERE, ["a"])
    assert stored.revision == 1
    assert stored.memory_hash == hash_of(stored)


async def test_putting_an_id_again_replaces_content_keeps_persisted_at_and_raises_the_revision(
    memories: MemoryStore,
) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea", persisted_at=NOW, topics=("x", "y"))], now=NOW)
    (result,) = await memories.put(EVERYWHERE, [write("a", "coffee", persisted_at=NOW + 9, topics=("y", "z"))], now=NOW)
    assert result.status is PutStatus.REPLACED
    (stored,) = await memories.get(EVERYWHERE, ["a"])
    assert (stored.text, stored.persisted_at, stored.revision, stored.topics) == ("coffee", NOW, 2, ("y", "z"))


async def test_of_two_records_with_one_id_in_a_request_the_later_stays(memories: MemoryStore) -> None:
    results = await memories.put(EVERYWHERE, [write("a", "tea"), write("b"), write("a", "coffee")], now=NOW)
    assert [result.status for result in results] == [PutStatus.CREATED, PutStatus.CREATED, PutStatus.REPLACED]
    assert [found.text for found in await memories.get(EVERYWHERE, ["a"])] == ["coffee"]


async def test_a_replaced_record_can_move_to_another_user(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", namespace="team", user_id="alice", topics=("t",))], now=NOW)
    await memories.put(EVERYWHERE, [write("a", namespace="team", user_id="bob", topics=("t",))], now=NOW)
    assert await _ids(memories, ALICE) == set()
    assert await _ids(memories, BOB) == {"a"}
    assert (await memories.get(BOB, ["a"]))[0].revision == 2


async def test_a_record_outside_the_scope_refuses_the_whole_request(memories: MemoryStore) -> None:
    writes = [write("a", namespace="team", user_id="alice"), write("b", namespace="team", user_id="bob")]
    with pytest.raises(Forbidden):
        await memories.put(ALICE, writes, now=NOW)
    assert await _ids(memories) == set()


async def test_an_id_that_belongs_to_another_scope_is_refused_and_its_record_stays(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "bob's", namespace="team", user_id="bob")], now=NOW)
    results = await memories.put(
        ALICE, [write("a", namespace="team", user_id="alice"), write("b", namespace="team", user_id="alice")], now=NOW
    )
    assert [result.status for result in results] == [PutStatus.REFUSED, PutStatus.CREATED]
    assert (await memories.get(EVERYWHERE, ["a"]))[0].text == "bob's"


async def test_a_fallback_id_is_taken_when_another_place_holds_the_id(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "first", session_id="s1")], now=NOW)
    for expected in (PutStatus.CREATED, PutStatus.REPLACED):
        (result,) = await memories.put(EVERYWHERE, [write("a", "second", session_id="s2", fallback="s2-a")], now=NOW)
        assert (result.id, result.status) == ("s2-a", expected)
    (result,) = await memories.put(EVERYWHERE, [write("a", "third", session_id="s1", fallback="s1-a")], now=NOW)
    assert (result.id, result.status) == ("a", PutStatus.REPLACED)
    assert await _ids(memories) == {"a", "s2-a"}


async def test_a_fallback_id_is_taken_when_a_memory_of_another_type_holds_the_id(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("1", "likes tea")], now=NOW)
    turn = write("1", "user: hello", memory_type=MemoryType.MESSAGE, fallback="m-1")
    for expected in (PutStatus.CREATED, PutStatus.REPLACED):
        (result,) = await memories.put(EVERYWHERE, [turn], now=NOW)
        assert (result.id, result.status) == ("m-1", expected)
    assert [memory.text for memory in await memories.get(EVERYWHERE, ["1"])] == ["likes tea"]


async def test_a_fallback_id_that_another_place_holds_too_is_refused(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", session_id="s1"), write("s2-a", "kept", session_id="s1")], now=NOW)
    (result,) = await memories.put(EVERYWHERE, [write("a", "new", session_id="s2", fallback="s2-a")], now=NOW)
    assert (result.id, result.status) == ("s2-a", PutStatus.REFUSED)
    assert [memory.text for memory in await memories.get(EVERYWHERE, ["a", "s2-a"])] == ["tea", "kept"]


async def test_a_record_replaced_by_equal_text_without_a_vector_keeps_its_own(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea", at=0.0)], now=NOW)
    await memories.put(EVERYWHERE, [write("a", "tea", at=None, topics=("drinks",))], now=NOW)
    assert await memories.owed_embeddings(limit=10) == []
    await memories.put(EVERYWHERE, [write("a", "coffee", at=None)], now=NOW)
    assert [owed.id for owed in await memories.owed_embeddings(limit=10)] == ["a"]


async def test_the_same_content_in_the_same_place_is_a_duplicate_and_notes_the_access(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea", session_id="s")], now=NOW)
    results = await memories.put(
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
    assert await _ids(memories) == {"a", "c"}
    assert (await memories.get(EVERYWHERE, ["a"]))[0].last_accessed == NOW + 60


async def test_a_record_is_no_duplicate_of_itself(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea")], now=NOW)
    (result,) = await memories.put(EVERYWHERE, [write("a", "tea")], now=NOW, deduplicate=True)
    assert (result.id, result.status) == ("a", PutStatus.REPLACED)


async def test_an_update_replaces_the_content_of_the_revision_it_was_made_from(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea", namespace="team", user_id="alice")], now=NOW)
    (read,) = await memories.get(ALICE, ["a"])
    stored = await memories.update(
        ALICE, replace(read, topics=("x",), updated_at=NOW + 1), if_revision=1, vector=None, text_changed=False
    )
    assert stored.revision == 2
    assert await memories.get(ALICE, ["a"]) == [stored]
    assert list(await memories.owed_embeddings(limit=10)) == []
    with pytest.raises(Conflict):
        await memories.update(ALICE, replace(read, topics=("y",)), if_revision=1, vector=None, text_changed=False)
    assert (await memories.get(ALICE, ["a"]))[0].topics == ("x",)


async def test_an_update_of_the_text_without_a_vector_owes_the_embedding(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea")], now=NOW)
    (read,) = await memories.get(EVERYWHERE, ["a"])
    newer = replace(read, text="coffee", memory_hash="")
    await memories.update(EVERYWHERE, newer, if_revision=1, vector=None, text_changed=True)
    owed = await memories.owed_embeddings(limit=10)
    assert [(one.id, one.revision, one.text) for one in owed] == [("a", 2, "coffee")]


async def test_an_access_noted_meanwhile_is_not_undone_by_an_update(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a")], now=NOW)
    (read,) = await memories.get(EVERYWHERE, ["a"])
    await memories.touch(EVERYWHERE, ["a"], at=NOW + 1000)
    await memories.update(EVERYWHERE, replace(read, topics=("x",)), if_revision=1, vector=None, text_changed=False)
    (stored,) = await memories.get(EVERYWHERE, ["a"])
    assert (stored.last_accessed, stored.access_count) == (NOW + 1000, 1)


async def test_an_update_of_a_record_outside_the_scope_finds_nothing(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", namespace="team", user_id="bob")], now=NOW)
    (read,) = await memories.get(EVERYWHERE, ["a"])
    with pytest.raises(NotFound):
        await memories.update(ALICE, read, if_revision=1, vector=None, text_changed=False)
    with pytest.raises(NotFound):
        await memories.update(EVERYWHERE, memory("x"), if_revision=1, vector=None, text_changed=False)
    with pytest.raises(Forbidden):
        await memories.update(BOB, replace(read, user_id="alice"), if_revision=1, vector=None, text_changed=False)


async def test_of_updates_made_from_one_revision_exactly_one_is_stored(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a")], now=NOW)
    (read,) = await memories.get(EVERYWHERE, ["a"])
    results = await asyncio.gather(
        *(
            memories.update(
                EVERYWHERE, replace(read, topics=(f"t{n}",)), if_revision=1, vector=None, text_changed=False
            )
            for n in range(20)
        ),
        return_exceptions=True,
    )
    stored = [result for result in results if not isinstance(result, BaseException)]
    assert len(stored) == 1
    assert all(isinstance(result, Conflict) for result in results if isinstance(result, BaseException))
    assert await memories.get(EVERYWHERE, ["a"]) == stored


async def test_deleting_is_idempotent_and_stays_within_the_scope(memories: MemoryStore) -> None:
    await memories.put(
        EVERYWHERE, [write(f"a{n}", namespace="team", user_id=user) for n, user in enumerate(["alice", "bob"])], now=NOW
    )
    assert await memories.delete(ALICE, ["a0", "a1", "a0", "x"]) == 1
    assert await memories.delete(ALICE, ["a0", "a1"]) == 0
    assert await _ids(memories) == {"a1"}
    assert await memories.delete(EVERYWHERE, []) == 0


async def test_a_deleted_id_can_be_used_again(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea", topics=("x",))], now=NOW)
    await memories.delete(EVERYWHERE, ["a"])
    (result,) = await memories.put(EVERYWHERE, [write("a", "coffee")], now=NOW)
    assert result.status is PutStatus.CREATED
    assert (await memories.get(EVERYWHERE, ["a"]))[0].revision == 1


async def test_an_access_is_noted_after_a_quarter_of_an_hour_and_changes_no_revision(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", namespace="team", user_id="alice")], now=NOW)
    assert await memories.touch(ALICE, ["a"], at=NOW + 899) == 0
    assert await memories.touch(BOB, ["a"], at=NOW + 900) == 0
    assert await memories.touch(ALICE, ["a", "a", "gone"], at=NOW + 900) == 1
    (stored,) = await memories.get(ALICE, ["a"])
    assert (stored.last_accessed, stored.access_count, stored.revision) == (NOW + 900, 1, 1)


async def test_a_record_without_a_vector_owes_it_until_it_is_set_for_its_revision(memories: MemoryStore) -> None:
    await memories.put(
        EVERYWHERE, [write("new", at=None, created_at=NOW), write("old", at=None, created_at=NOW - 9)], now=NOW
    )
    owed = await memories.owed_embeddings(limit=10)
    assert [one.id for one in owed] == ["old", "new"]
    assert len(await memories.owed_embeddings(limit=1)) == 1
    vectors = [("old", 1, direction(0)), ("new", 2, direction(0)), ("gone", 1, direction(0))]
    assert await memories.set_vectors(vectors) == 1
    assert [one.id for one in await memories.owed_embeddings(limit=10)] == ["new"]
    assert (await memories.get(EVERYWHERE, ["old"]))[0].revision == 1
    assert await memories.set_vectors([]) == 0


@pytest.mark.parametrize("name", ODD)
async def test_namespaces_users_and_sessions_are_exact_whatever_characters_they_hold(
    memories: MemoryStore, name: str
) -> None:
    others = [other for other in ODD if other != name]
    await memories.put(
        EVERYWHERE,
        [
            write(f"{n}", namespace=other, user_id=other, session_id=other, topics=(other,))
            for n, other in enumerate(ODD)
        ],
        now=NOW,
    )
    mine = {str(ODD.index(name))}
    assert await _ids(memories, Scope(frozenset({name}))) == mine
    assert await _ids(memories, Scope(None, frozenset({name}))) == mine
    assert await _ids(memories, EVERYWHERE, Filter((only(TextField.SESSION_ID, name),))) == mine
    assert await _ids(memories, Scope(frozenset(others)), Filter((only(TextField.USER_ID, name),))) == set()


async def test_no_grant_means_no_record(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a")], now=NOW)
    assert await _ids(memories, Scope(frozenset())) == set()
    assert await _ids(memories, Scope(None, frozenset())) == set()
    assert await _ids(memories, Scope(frozenset({""}), frozenset({""}))) == {"a"}


async def test_of_duplicates_the_one_accessed_last_and_pinned_ones_stay_current(records: MemoryStore) -> None:
    await records.put(
        EVERYWHERE,
        [
            write("old", "tea", last_accessed=NOW - 2),
            write("last", "tea", last_accessed=NOW),
            write("pinned", "tea", last_accessed=NOW - 3, pinned=True),
            write("other session", "tea", session_id="s"),
            write("other text", "coffee"),
            write("other user", "tea", user_id="bob"),
            *(write(id_, "user: yes", memory_type=MemoryType.MESSAGE) for id_ in ("m1", "m2")),
        ],
        now=NOW,
    )
    assert await records.supersede_duplicates(BOB, EVERYTHING, now=NOW + 5) == 0
    assert await records.supersede_duplicates(EVERYWHERE, EVERYTHING, now=NOW + 5) == 1
    assert await records.supersede_duplicates(EVERYWHERE, EVERYTHING, now=NOW + 6) == 0
    page = await records.list(EVERYWHERE, EVERYTHING, limit=100)
    left = {"last", "pinned", "other session", "other text", "other user", "m1", "m2"}
    assert {memory.id for memory in page.memories} == left
    assert page.total == len(left)
    (old,) = await records.get(EVERYWHERE, ["old"])
    assert (old.superseded_by, old.superseded_because, old.valid_until) == ("last", "merged", NOW + 5)
    assert await records.owed_embeddings(limit=9) == []


async def test_equal_hashes_of_different_users_are_no_duplicates(records: MemoryStore) -> None:
    await records.put(EVERYWHERE, [write(user, user_id=user, memory_hash="h") for user in ("alice", "bob")], now=NOW)
    assert await records.supersede_duplicates(EVERYWHERE, EVERYTHING, now=NOW) == 0


async def test_figures_follow_every_change(memories: MemoryStore) -> None:
    before = await memories.stats()
    assert (before.memories, before.unembedded, before.sessions) == (0, 0, 0)
    await memories.put(EVERYWHERE, [write("a"), write("b", at=None), write("c", user_id="bob")], now=NOW)
    await memories.put(EVERYWHERE, [write("c", user_id="alice")], now=NOW)
    await memories.delete(EVERYWHERE, ["a"])
    after = await memories.stats()
    assert (after.memories, after.unembedded) == (2, 1)
    assert after.size_bytes > 0
    await memories.ping()


async def test_what_one_task_stored_every_task_reads_at_once(memories: MemoryStore) -> None:
    async def one(n: int) -> None:
        await memories.put(EVERYWHERE, [write(f"{n}", user_id=f"u{n % 3}")], now=NOW)
        assert [found.id for found in await memories.get(EVERYWHERE, [f"{n}"])] == [f"{n}"]

    await asyncio.gather(*(one(n) for n in range(50)))
    assert len(await _ids(memories)) == 50


async def test_records_lack_labels_until_they_were_given_some_at_the_revision_that_is_stored(
    memories: MemoryStore,
) -> None:
    async def lacking() -> set[str]:
        return {one.id for one in await memories.unlabelled(limit=10)}

    whole: dict[str, Any] = {"topics": ("tea",), "entities": ("Ana",)}
    writes = [write("none"), write("half", topics=("tea",)), write("whole", **whole), write("said")]
    writes += [write("m", memory_type=MemoryType.MESSAGE), write("owed", at=None)]
    await memories.put(EVERYWHERE, writes, now=NOW)
    assert await lacking() == {"none", "half", "said", "owed"}
    given = [
        Labels(id="none", revision=1, topics=(), entities=()),
        Labels(id="half", revision=1, topics=("tea",), entities=("Ana, Eva", "Bob")),
        Labels(id="said", revision=2, topics=("x",), entities=("y",)),
        Labels(id="owed", revision=1, topics=("tea",), entities=()),
        Labels(id="gone", revision=1, topics=("x",), entities=()),
    ]
    assert await memories.set_labels(given) == 3
    assert await lacking() == {"said"}
    found = {one.id: one for one in await memories.get(EVERYWHERE, ["none", "half", "said", "owed"])}
    assert (found["half"].topics, found["half"].entities) == (("tea",), ("Ana, Eva", "Bob"))
    assert {id_: one.revision for id_, one in found.items()} == {"none": 1, "half": 2, "said": 1, "owed": 2}
    assert found["said"].topics == ()
    named = Filter((only(TagField.ENTITIES, "Bob"),))
    assert [one.id for one in (await memories.list(EVERYWHERE, named, limit=9)).memories] == ["half"]
    assert (await memories.list(EVERYWHERE, Filter((), past=True), limit=9)).total == len(writes)
    assert [owed.id for owed in await memories.owed_embeddings(limit=9)] == ["owed"]
    assert "half" in await memories.vectors(["half"])


async def test_a_new_text_lacks_labels_again_and_what_a_caller_took_away_stays_away(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a")], now=NOW)
    await memories.set_labels([Labels(id="a", revision=1, topics=("tea",), entities=())])
    (labelled,) = await memories.get(EVERYWHERE, ["a"])
    bare = replace(labelled, topics=())
    bare = await memories.update(EVERYWHERE, bare, if_revision=2, vector=None, text_changed=False)
    assert await memories.unlabelled(limit=9) == []
    after = replace(bare, text="coffee", memory_hash="")
    await memories.update(EVERYWHERE, after, if_revision=3, vector=direction(1), text_changed=True)
    assert [one.id for one in await memories.unlabelled(limit=9)] == ["a"]

"""The MemoryStore port: search by meaning, by words and by both. Every engine passes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_memory_server.domain.filters import Filter, TagField, TextField, only
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.words import query_terms
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite
from tests.contract.memories import NOW, direction, write

TEA = query_terms("tea")
QUERIES = {
    Mode.SEMANTIC: StoreQuery(mode=Mode.SEMANTIC, vector=direction(0)),
    Mode.KEYWORD: StoreQuery(mode=Mode.KEYWORD, terms=TEA),
    Mode.HYBRID: StoreQuery(mode=Mode.HYBRID, vector=direction(0), terms=TEA),
}
every_mode = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())


def _ids(ranked: Ranked) -> list[str]:
    return [hit.memory.id for hit in ranked.hits]


async def test_semantic_search_ranks_by_cosine_distance(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write(f"{at}", at=at) for at in (90, 10, 180, 0, 45)], now=NOW)
    ranked = await memories.search(EVERYWHERE, QUERIES[Mode.SEMANTIC])
    assert _ids(ranked) == ["0", "10", "45", "90", "180"]
    assert [hit.dist for hit in ranked.hits] == pytest.approx([0, 0.0151922, 0.2928932, 1, 2], abs=1e-5)
    assert ranked.total == 5


async def test_a_distance_bound_leaves_out_what_is_farther(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write(f"{at}", at=at) for at in (0, 10, 45, 90)], now=NOW)
    ranked = await memories.search(EVERYWHERE, replace(QUERIES[Mode.SEMANTIC], within=0.3))
    assert (_ids(ranked), ranked.total) == (["0", "10", "45"], 3)


async def test_keyword_search_finds_words_and_nothing_else(memories: MemoryStore) -> None:
    texts = {"a": "Tea at five", "b": "teas and TEA and tea", "c": "coffee", "d": 'tea* "OR" tea-NEAR', "e": "team"}
    await memories.put(EVERYWHERE, [write(id_, text) for id_, text in texts.items()], now=NOW)
    ranked = await memories.search(EVERYWHERE, QUERIES[Mode.KEYWORD])
    assert set(_ids(ranked)) == {"a", "b", "d"}
    assert ranked.total == 3
    assert ranked.hits[0].score == 1.0


async def test_hybrid_search_unites_what_either_arm_finds(memories: MemoryStore) -> None:
    await memories.put(
        EVERYWHERE, [write("near", "x", at=0), write("word", "tea", at=120), write("far", "y", at=90)], now=NOW
    )
    ranked = await memories.search(EVERYWHERE, QUERIES[Mode.HYBRID])
    assert set(_ids(ranked)[:2]) == {"near", "word"}
    assert ranked.total == 3


@every_mode
async def test_a_search_never_returns_a_record_of_another_scope(memories: MemoryStore, query: StoreQuery) -> None:
    names = ["", "a", "A", "a,b", "a|b", "é"]
    await memories.put(EVERYWHERE, [write(f"{n}/{u}", namespace=n, user_id=u) for n in names for u in names], now=NOW)
    for name in names:
        ranked = await memories.search(Scope(frozenset({name}), frozenset({name})), query)
        assert (_ids(ranked), ranked.total) == ([f"{name}/{name}"], 1)
        ranked = await memories.search(Scope(None, frozenset({name})), replace(query, limit=100))
        assert sorted(_ids(ranked)) == sorted(f"{n}/{name}" for n in names)
    nobody = await memories.search(Scope(frozenset(), None), query)
    assert (_ids(nobody), nobody.total) == ([], 0)


@every_mode
async def test_the_filter_narrows_every_mode(memories: MemoryStore, query: StoreQuery) -> None:
    await memories.put(
        EVERYWHERE,
        [write(f"{n}", topics=(f"t{n % 2}",), session_id=f"s{n % 3}", at=float(n)) for n in range(12)],
        now=NOW,
    )
    filter_ = Filter((only(TagField.TOPICS, "t1"), only(TextField.SESSION_ID, "s0", "s2")))
    ranked = await memories.search(EVERYWHERE, replace(query, filter=filter_))
    assert set(_ids(ranked)) == {"3", "5", "9", "11"}
    assert ranked.total == 4


@every_mode
async def test_pages_are_slices_of_one_ranking(memories: MemoryStore, query: StoreQuery) -> None:
    writes = [write(f"{n}", "tea " * (n % 5 + 1) + "x " * n, at=float(n * 4)) for n in range(30)]
    await memories.put(EVERYWHERE, writes, now=NOW)
    whole = _ids(await memories.search(EVERYWHERE, replace(query, limit=100)))
    assert len(whole) == len(set(whole)) == 30
    pages = [await memories.search(EVERYWHERE, replace(query, limit=7, offset=offset)) for offset in range(0, 42, 7)]
    assert [id_ for page in pages for id_ in _ids(page)] == whole
    assert {page.total for page in pages} == {30}


@every_mode
async def test_a_search_sees_every_completed_change(memories: MemoryStore, query: StoreQuery) -> None:
    await memories.put(EVERYWHERE, [write("a", at=0.0), write("b", at=10.0)], now=NOW)
    assert set(_ids(await memories.search(EVERYWHERE, query))) == {"a", "b"}
    await memories.put(EVERYWHERE, [write("c", at=5.0)], now=NOW)
    assert set(_ids(await memories.search(EVERYWHERE, query))) == {"a", "b", "c"}
    await memories.delete(EVERYWHERE, ["a"])
    assert set(_ids(await memories.search(EVERYWHERE, query))) == {"b", "c"}
    await memories.put(EVERYWHERE, [write("b", at=10.0, user_id="bob")], now=NOW)
    assert _ids(await memories.search(Scope(None, frozenset({""})), query)) == ["c"]
    (read,) = await memories.get(EVERYWHERE, ["c"])
    newer = replace(read, text="coffee", memory_hash="")
    await memories.update(EVERYWHERE, newer, if_revision=1, vector=direction(170), text_changed=True)
    ranked = await memories.search(EVERYWHERE, query)
    assert _ids(ranked)[0] == "b"


async def test_a_record_without_a_vector_is_found_by_its_words_and_counted(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("with", "x", at=0.0), write("without", "tea", at=None)], now=NOW)
    hybrid = await memories.search(EVERYWHERE, QUERIES[Mode.HYBRID])
    assert set(_ids(hybrid)) == {"with", "without"}
    assert hybrid.unembedded == 1
    await memories.set_vectors([("without", 1, direction(0))])
    assert (await memories.search(EVERYWHERE, QUERIES[Mode.HYBRID])).unembedded == 0
    assert set(_ids(await memories.search(EVERYWHERE, QUERIES[Mode.SEMANTIC]))) == {"with", "without"}


@every_mode
async def test_reading_does_not_change_the_ranking(memories: MemoryStore, query: StoreQuery) -> None:
    await memories.put(EVERYWHERE, [write(f"{n}", "tea " * (n + 1), at=float(n)) for n in range(5)], now=NOW)
    before = await memories.search(EVERYWHERE, query)
    await memories.touch(EVERYWHERE, ["3", "4"], at=NOW + 1000)
    after = await memories.search(EVERYWHERE, query)
    assert [(hit.memory.id, hit.dist, hit.score) for hit in after.hits] == [
        (hit.memory.id, hit.dist, hit.score) for hit in before.hits
    ]


@every_mode
async def test_another_users_records_do_not_move_a_ranking(memories: MemoryStore, query: StoreQuery) -> None:
    mine = Scope(None, frozenset({"me"}))
    await memories.put(
        EVERYWHERE, [write(f"{n}", "tea " * (n + 1) + "cup", at=float(n), user_id="me") for n in range(5)], now=NOW
    )
    before = await memories.search(mine, query)
    await memories.put(EVERYWHERE, [write(f"o{n}", "tea cup " * 9, user_id="other") for n in range(50)], now=NOW)
    after = await memories.search(mine, query)
    assert [(hit.memory.id, hit.dist, hit.score) for hit in after.hits] == [
        (hit.memory.id, hit.dist, hit.score) for hit in before.hits
    ]


@every_mode
async def test_an_empty_store_answers_with_nothing(memories: MemoryStore, query: StoreQuery) -> None:
    assert await memories.search(EVERYWHERE, query) == Ranked(hits=(), total=0)


def _turns(*texts: str, session_id: str = "talk", start: float = NOW) -> list[MemoryWrite]:
    return [
        write(
            f"{session_id}{n}", text, at=170.0, session_id=session_id, memory_type=MemoryType.MESSAGE,
            created_at=start + n, persisted_at=start,
        )
        for n, text in enumerate(texts)
    ]  # fmt: skip


ASKED = StoreQuery(mode=Mode.HYBRID, vector=direction(0), terms=query_terms("garden concert"), limit=3)
TALK = ("ada: see you at the garden concert", "ben: yes, at nine", "ada: fine", "ben: bye", "ada: bye", "ben: so long")


async def test_a_turn_is_found_by_the_words_of_the_turn_beside_it(memories: MemoryStore) -> None:
    others = [write(f"other{n}", f"nothing {n}", at=170.0) for n in range(20)]
    await memories.put(EVERYWHERE, [*others, *_turns(*TALK), *_turns("ada: no", session_id="else")], now=NOW)
    assert _ids(await memories.search(EVERYWHERE, ASKED)) == ["talk0", "talk1", "talk2"]


async def test_a_later_or_deleted_turn_counts_for_its_neighbours_at_once(memories: MemoryStore) -> None:
    first, second, *rest = _turns(*TALK)
    await memories.put(EVERYWHERE, [write("other", "nothing", at=170.0), second, *rest], now=NOW)
    assert (await memories.search(EVERYWHERE, replace(ASKED, mode=Mode.KEYWORD))).total == 0
    await memories.put(EVERYWHERE, [first], now=NOW)
    assert _ids(await memories.search(EVERYWHERE, ASKED))[:2] == ["talk0", "talk1"]
    await memories.delete(EVERYWHERE, ["talk1"])
    assert _ids(await memories.search(EVERYWHERE, ASKED))[:2] == ["talk0", "talk2"]


async def test_neighbours_outside_the_filter_stay_out(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, _turns(*TALK), now=NOW)
    narrowed = replace(ASKED, filter=Filter((only(TextField.ID, "talk0"),)))
    ranked = await memories.search(EVERYWHERE, narrowed)
    assert (_ids(ranked), ranked.total) == (["talk0"], 1)

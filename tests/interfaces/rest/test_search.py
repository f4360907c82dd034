from __future__ import annotations

import time
from typing import Any

import pytest

from agent_memory_client.models import MemoryRecordResultsResponse
from tests.support.rest import Json, Server, answered

SEARCH = "/v1/long-term-memory/search"
DAY_S = 86_400.0


def ids(found: Json) -> list[str]:
    return [memory["id"] for memory in found["memories"]]


async def animals(server: Server) -> None:
    await server.remember(
        {"id": "zebra", "text": "the zebra crossed the wide river"},
        {"id": "lion", "text": "a lion sleeps under the acacia"},
        {"id": "fish", "text": "fish swim in the river all day"},
    )


async def test_a_semantic_search_ranks_everything_by_distance(server: Server) -> None:
    await animals(server)
    found = await server.search("zebra crossed river", recency_boost=False)
    MemoryRecordResultsResponse.model_validate(found)
    assert ids(found)[0] == "zebra"
    assert (found["total"], found["next_offset"]) == (3, None)
    distances = [memory["dist"] for memory in found["memories"]]
    assert distances == sorted(distances)
    for memory in found["memories"]:
        assert memory["score_type"] == "semantic"
        assert memory["score"] == pytest.approx(max(0.0, 1.0 - memory["dist"]))


async def test_a_keyword_search_finds_what_holds_a_word(server: Server) -> None:
    await animals(server)
    found = await server.search("rivers", search_mode="keyword")
    assert sorted(ids(found)) == ["fish", "zebra"]
    assert found["total"] == 2
    assert max(memory["score"] for memory in found["memories"]) == 1.0
    for memory in found["memories"]:
        assert memory["score_type"] == "keyword"
        assert memory["dist"] == pytest.approx(1.0 - memory["score"])


async def test_a_hybrid_search_fuses_both(server: Server) -> None:
    await animals(server)
    found = await server.search("lion under acacia", search_mode="hybrid", hybrid_alpha=0.5)
    assert ids(found)[0] == "lion"
    assert {memory["score_type"] for memory in found["memories"]} == {"hybrid"}


async def test_a_quoted_phrase_is_required_in_hybrid_mode(server: Server) -> None:
    await animals(server)
    found = await server.search('lion "wide river"', search_mode="hybrid")
    assert ids(found) == ["zebra"]


@pytest.mark.parametrize("text", [None, "", "   "])
async def test_without_text_the_filters_alone_decide(server: Server, text: str | None) -> None:
    await animals(server)
    found = await server.search(text)
    assert sorted(ids(found)) == ["fish", "lion", "zebra"]
    for memory in found["memories"]:
        assert (memory["dist"], memory["score"], memory["score_type"]) == (0.0, None, None)


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
async def test_pages_are_slices_of_one_ranking(server: Server, mode: str) -> None:
    await server.remember(*({"id": f"k{n}", "text": f"river number {n}"} for n in range(23)))
    pages: list[str] = []
    offset: int | None = 0
    while offset is not None:
        found = await server.search("river", search_mode=mode, limit=10, offset=offset, recency_boost=False)
        assert found["total"] == 23
        pages += ids(found)
        offset = found["next_offset"]
    assert len(pages) == len(set(pages)) == 23


@pytest.mark.parametrize("text", ["river", None])
async def test_a_page_behind_the_end_is_empty(server: Server, text: str | None) -> None:
    await animals(server)
    found = await server.search(text, offset=10**9)
    assert (found["memories"], found["next_offset"], found["total"]) == ([], None, 3)


async def test_a_threshold_keeps_what_is_near(server: Server) -> None:
    await animals(server)
    text = "the zebra crossed the wide river"
    assert ids(await server.search(text, distance_threshold=0.01)) == ["zebra"]
    exact = await server.search(text, distance_threshold=0)
    assert exact["total"] <= 1
    assert (await server.search(text, distance_threshold=2.5))["total"] == 3


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
async def test_a_threshold_is_for_semantic_searches_only(server: Server, mode: str) -> None:
    body = {"text": "river", "search_mode": mode, "distance_threshold": 0.5}
    response = await server.http.post(SEARCH, json=body)
    assert response.status_code == 400
    assert response.json()["detail"] == "distance_threshold is only supported for semantic search mode"


@pytest.mark.parametrize("mode", ["keyword", "hybrid", "semantic"])
@pytest.mark.parametrize(
    "text", ["hello | world", "%%%", "*", '"', "@text:(a)", "a AND (b", "''; drop", "-a", "«»", "🦓"]
)
async def test_no_text_is_read_as_a_query_language(server: Server, mode: str, text: str) -> None:
    await server.remember({"id": "h", "text": "hello wide world"})
    found = await server.search(text, search_mode=mode)
    if mode == "keyword" and "hello" not in text:
        assert found["memories"] == []
    elif "hello" in text:
        assert ids(found) == ["h"]


async def test_recent_memories_come_first_among_equals(server: Server) -> None:
    now = time.time()
    for name, days in (("old", 300), ("new", 0), ("middling", 20)):
        at = now - days * DAY_S
        await server.remember({"id": name, "text": "river", "created_at": at, "last_accessed": at})
    assert ids(await server.search("river")) == ["new", "middling", "old"]
    assert ids(await server.search("river", recency_recency_weight=0.0, recency_boost=True))[0] in {
        "old",
        "new",
        "middling",
    }


async def test_recency_changes_the_order_and_nothing_else(server: Server) -> None:
    await animals(server)
    boosted = await server.search("river")
    plain = await server.search("river", recency_boost=False)

    def key(memory: Json) -> Any:
        return memory["id"], memory["dist"], memory["score"]

    assert sorted(map(key, boosted["memories"])) == sorted(map(key, plain["memories"]))


async def test_a_result_is_an_access_only_under_recency(server: Server) -> None:
    await server.remember({"text": "river", "last_accessed": "2024-01-01T00:00:00Z"})
    await server.search("river", recency_boost=False)
    assert server.app.accesses.take() == []
    await server.search("river")
    assert server.app.accesses.take() == ["river"]


async def test_a_memory_that_was_used_a_moment_ago_is_not_noted_again(server: Server) -> None:
    await server.remember({"text": "river"})
    await server.search("river")
    assert server.app.accesses.take() == []


async def test_evidence_is_shown_when_asked_for(server: Server) -> None:
    await animals(server)
    found = await server.search("zebra river", search_mode="hybrid", explain=True)
    MemoryRecordResultsResponse.model_validate(found)
    best = next(memory for memory in found["memories"] if memory["id"] == "zebra")["explain"]
    assert (best["dense_rank"], best["keyword_rank"]) == (1, 1)
    assert best["bm25"] > 0
    assert sorted(best["matched_words"]) == ["river", "zebra"]
    plain = await server.search("zebra river", search_mode="hybrid")
    assert all("explain" not in memory for memory in plain["memories"])
    assert "degraded" not in plain


@pytest.mark.parametrize("member", [{"text_scorer": "TFIDF"}, {"server_side_recency": True}])
async def test_choices_of_the_other_engine_are_accepted(server: Server, member: Json) -> None:
    await animals(server)
    assert ids(await server.search("zebra crossed", **member))[0] == "zebra"


async def test_a_query_is_searched_as_it_is_when_nothing_can_optimize_it(server: Server) -> None:
    await animals(server)
    response = await server.http.post(SEARCH, params={"optimize_query": True}, json={"text": "zebra"})
    assert ids(answered(response))[0] == "zebra"


async def test_nothing_is_relaxed_when_nothing_is_found(server: Server) -> None:
    await server.remember({"text": "river", "namespace": "theirs"})
    for given in ({"namespace": {"eq": "ours"}}, {"topics": {"any": ["x"]}}, {"memory_type": {"eq": "episodic"}}):
        assert await server.search("river", **given) == {"memories": [], "total": 0, "next_offset": None}


async def test_what_was_deleted_is_not_found(server: Server) -> None:
    await animals(server)
    await server.http.delete("/v1/long-term-memory", params={"memory_ids": "zebra"})
    for mode in ("semantic", "keyword", "hybrid"):
        assert "zebra" not in ids(await server.search("zebra river", search_mode=mode))


async def test_relevance_tells_a_full_match_from_a_chance_one_and_a_floor_leaves_nothing(server: Server) -> None:
    await animals(server)
    asked = {"search_mode": "keyword", "recency_boost": False}
    known = await server.search("acacia lion", **asked)
    MemoryRecordResultsResponse.model_validate(known)
    assert known["memories"][0]["relevance"] > 0.8
    unknown = await server.search("river Katmandu expedition passport", **asked)
    assert {memory["id"]: memory["relevance"] < 0.3 for memory in unknown["memories"]} == {"zebra": True, "fish": True}
    floored = await server.search("river Katmandu expedition passport", min_relevance=0.3, **asked)
    assert (floored["memories"], floored["total"], floored["next_offset"]) == ([], 0, None)
    assert "relevance" not in (await server.search(None))["memories"][0]
    prompt = answered(
        await server.http.post(
            "/v1/memory/prompt",
            json={"query": "Katmandu river expedition", "long_term_search": {"min_relevance": 0.3, **asked}},
        )
    )
    assert prompt["long_term_memories"] is None


@pytest.mark.parametrize("member", [{"min_relevance": 1.01}, {"min_relevance": -0.1}, {"min_relevance": "0.3"}])
async def test_a_floor_outside_the_scale_is_refused_by_name(server: Server, member: Json) -> None:
    response = await server.http.post(SEARCH, json={"text": "zebra", **member})
    assert response.status_code == 422
    assert "min_relevance" in response.text


async def test_a_time_in_the_text_counts_from_now_of_the_request(server: Server) -> None:
    at = {"may": "2024-05-20T12:00:00Z", "june": "2024-06-20T12:00:00Z"}
    await server.remember(*({"id": id_, "text": f"a zebra {id_}", "created_at": time_} for id_, time_ in at.items()))
    await server.remember({"id": "far", "text": "fish swim"})
    for now, wanted in (("2024-05-21T00:00:00Z", "may"), ("2024-06-21T00:00:00Z", "june")):
        found = await server.search("zebra yesterday", search_mode="hybrid", now=now, recency_boost=False, explain=True)
        first = found["memories"][0]
        assert first["id"] == wanted
        assert first["explain"]["date_factor"] == 1.5
        assert "date" in first["explain"]["arms"]
        assert found["memories"][1]["explain"]["date_factor"] == 1.0


async def test_a_fact_and_its_message_are_one_result_with_the_other_named(server: Server) -> None:
    place = {"session_id": "s", "extracted_from": ["m"]}
    await server.remember(
        {"id": "fact", "text": "Ana rides zebras", **place},
        {"id": "message", "text": "Ana: I ride zebras on Sundays", "memory_type": "message", **place},
    )
    found = await server.search("who rides zebras", search_mode="hybrid", explain=True)
    (only,) = found["memories"]
    assert {only["id"], *only["explain"]["also"]} == {"fact", "message"}
    start, end = only["explain"]["span"]
    assert "zebras" in only["text"][start:end]
    assert found["total"] == 1

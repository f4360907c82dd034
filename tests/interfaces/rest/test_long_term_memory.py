from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from agent_memory_client.models import AckResponse, MemoryListResponse, MemoryRecord
from agent_memory_server.operations.options import Options
from tests.support.rest import Json, Server, answered, serving

CREATE = "/v1/long-term-memory/"
BASE = "/v1/long-term-memory"
AT = "2026-01-31T12:00:00Z"


async def get(server: Server, memory_id: str) -> Json:
    return answered(await server.http.get(f"{BASE}/{memory_id}"))


async def patch(server: Server, memory_id: str, **changes: Any) -> Json:
    return answered(await server.http.patch(f"{BASE}/{memory_id}", json=changes))


async def test_a_record_is_read_back_as_it_was_stored(server: Server) -> None:
    given = {
        "id": "k1",
        "text": "Ana prefers window seats 😀",
        "session_id": "s",
        "user_id": "ana",
        "namespace": "travel",
        "last_accessed": AT,
        "created_at": AT,
        "updated_at": AT,
        "event_date": "2025-12-24T18:30:00Z",
        "pinned": True,
        "access_count": 3,
        "topics": ["travel", "seats"],
        "entities": ["Ana"],
        "memory_type": "episodic",
        "discrete_memory_extracted": "f",
        "extracted_from": ["m1", "m2"],
        "extraction_strategy": "summary",
        "extraction_strategy_config": {"a": [1]},
        "metadata": {"n": 1.5, "deep": {"x": None}},
    }
    created = await server.remember(given)
    AckResponse.model_validate(created)
    assert created == {"status": "ok", "items": [{"id": "k1", "status": "created"}]}
    read = await get(server, "k1")
    MemoryRecord.model_validate(read)
    assert {name: read[name] for name in given} == given
    assert read["revision"] == 1
    assert read["persisted_at"] is not None
    assert len(read["memory_hash"]) == 64


async def test_defaults_are_those_of_the_format(server: Server) -> None:
    await server.remember({"text": "t"})
    read = await get(server, "t")
    expected: Json = {
        "session_id": None,
        "user_id": None,
        "namespace": None,
        "pinned": False,
        "access_count": 0,
        "topics": [],
        "entities": [],
        "extracted_from": [],
        "event_date": None,
        "memory_type": "semantic",
        "discrete_memory_extracted": "t",
        "extraction_strategy": "discrete",
        "extraction_strategy_config": {},
        "metadata": {},
    }
    assert {name: read[name] for name in expected} == expected
    assert "dist" not in read


async def test_persisted_at_of_a_caller_is_not_believed(server: Server) -> None:
    await server.remember({"text": "t", "persisted_at": "2001-01-01T00:00:00Z"})
    assert (await get(server, "t"))["persisted_at"] > "2026"


async def test_nothing_to_store_is_no_error(server: Server) -> None:
    assert await server.remember() == {"status": "ok", "items": []}


async def test_each_record_is_told_what_became_of_it(server: Server) -> None:
    await server.remember({"id": "a", "text": "one"}, {"id": "b", "text": "two"})
    done = await server.remember(
        {"id": "a", "text": "one, changed"},
        {"id": "c", "text": "two"},
        {"id": "d", "text": "early"},
        {"id": "d", "text": "late"},
        deduplicate=True,
    )
    assert [(item["id"], item["status"]) for item in done["items"]] == [
        ("a", "replaced"),
        ("b", "duplicate"),
        ("d", "superseded"),
        ("d", "created"),
    ]
    assert (await get(server, "a"))["text"] == "one, changed"
    assert (await get(server, "d"))["text"] == "late"
    assert (await server.http.get(f"{BASE}/c")).status_code == 404


async def test_equal_texts_are_all_kept_when_asked(server: Server) -> None:
    done = await server.remember({"id": "a", "text": "same"}, {"id": "b", "text": "same"}, deduplicate=False)
    assert [item["status"] for item in done["items"]] == ["created", "created"]


async def test_equal_texts_of_different_users_are_no_duplicates(server: Server) -> None:
    done = await server.remember(
        {"id": "a", "text": "same", "user_id": "ana"}, {"id": "b", "text": "same", "user_id": "bob"}, deduplicate=True
    )
    assert [item["status"] for item in done["items"]] == ["created", "created"]


async def test_a_record_that_is_not_there_is_not_found(server: Server) -> None:
    response = await server.http.get(f"{BASE}/nothing")
    assert (response.status_code, response.json()["detail"]) == (404, "Memory with ID nothing not found")


async def test_ids_are_exact(server: Server) -> None:
    await server.remember({"id": "K1", "text": "t"})
    assert (await server.http.get(f"{BASE}/k1")).status_code == 404


ODD_IDS = ["with space", "ünï-😀", "a|b", "a,b", "a'b\"c", "{x}", "@user:*", "%", "..", "a.b?c#d"]


@pytest.mark.parametrize("id_", ODD_IDS)
async def test_an_id_may_hold_any_character_but_a_slash(server: Server, id_: str) -> None:
    await server.remember({"id": id_, "text": "t"})
    assert (await get(server, quote(id_, safe=".") if id_ != ".." else "%2E%2E"))["id"] == id_
    deleted = answered(await server.http.delete(BASE, params={"memory_ids": id_}))
    assert deleted == {"status": "ok, deleted 1 memories"}


async def test_a_read_is_no_access(server: Server) -> None:
    await server.remember({"text": "t", "last_accessed": AT})
    await get(server, "t")
    read = await get(server, "t")
    assert (read["last_accessed"], read["access_count"]) == (AT, 0)


async def test_only_what_is_given_changes(server: Server) -> None:
    await server.remember({"id": "k", "text": "t", "topics": ["a"], "user_id": "ana", "created_at": AT})
    before = await get(server, "k")
    after = await patch(server, "k", topics=["b", "c"], pinned=True, event_date=AT, memory_type="episodic", text=None)
    changed = {"topics": ["b", "c"], "pinned": True, "event_date": AT, "memory_type": "episodic", "revision": 2}
    assert after == {**before, **changed, **{name: after[name] for name in ("updated_at", "memory_hash", "valid_from")}}
    assert after["updated_at"] > before["updated_at"]
    assert after["memory_hash"] != before["memory_hash"]  # the type is part of what is hashed
    assert await get(server, "k") == after


async def test_a_new_text_is_found_by_the_next_search_and_the_old_one_is_not(server: Server) -> None:
    await server.remember({"id": "k", "text": "zebra"})
    before = await get(server, "k")
    after = await patch(server, "k", text="giraffe")
    assert after["memory_hash"] != before["memory_hash"]
    assert (await server.search("giraffe", search_mode="keyword"))["total"] == 1
    assert (await server.search("zebra", search_mode="keyword"))["total"] == 0
    assert (await server.search("giraffe"))["memories"][0]["dist"] < 0.01


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_edit_to_an_empty_text_is_refused_with_400(server: Server, text: str) -> None:
    await server.remember({"id": "k", "text": "kept"})
    response = await server.http.patch("/v1/long-term-memory/k", json={"text": text})
    assert (response.status_code, response.json()["code"]) == (400, "request_refused")
    assert (await get(server, "k"))["text"] == "kept"


async def test_an_empty_list_clears_a_list(server: Server) -> None:
    await server.remember({"id": "k", "text": "t", "topics": ["a"], "entities": ["b"]})
    after = await patch(server, "k", topics=[], entities=[])
    assert (after["topics"], after["entities"]) == ([], [])


async def test_a_record_moves_to_another_place(server: Server) -> None:
    await server.remember({"id": "k", "text": "t", "user_id": "ana"})
    await patch(server, "k", user_id="bob", namespace="n", session_id="s")
    assert (await server.search(user_id={"eq": "ana"}))["total"] == 0
    assert (await server.search(user_id={"eq": "bob"}, namespace={"eq": "n"}))["total"] == 1


@pytest.mark.parametrize("changes", [{}, {"text": None}, {"topics": None, "pinned": None}, {"id": "x", "revision": 9}])
async def test_a_change_of_nothing_is_refused(server: Server, changes: Json) -> None:
    await server.remember({"id": "k", "text": "t"})
    response = await server.http.patch(f"{BASE}/k", json=changes)
    assert (response.status_code, response.json()["detail"]) == (400, "No fields provided for update")


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_a_text_cannot_be_emptied(server: Server, text: str) -> None:
    await server.remember({"id": "k", "text": "t"})
    response = await server.http.patch(f"{BASE}/k", json={"text": text})
    assert (response.status_code, response.json()["code"]) == (400, "request_refused")
    assert (await get(server, "k"))["text"] == "t"


async def test_a_change_of_an_unknown_record_is_not_found(server: Server) -> None:
    assert (await server.http.patch(f"{BASE}/nothing", json={"text": "t"})).status_code == 404


async def test_deleting_tells_how_many_there_were(server: Server) -> None:
    await server.remember({"id": "a", "text": "1"}, {"id": "b", "text": "2"}, {"id": "c", "text": "3"})
    response = await server.http.delete(BASE, params={"memory_ids": ["a", "b", "b", "nothing"]})
    assert answered(response) == {"status": "ok, deleted 2 memories"}
    assert answered(await server.http.delete(BASE)) == {"status": "ok, deleted 0 memories"}
    assert (await server.search())["total"] == 1


async def test_a_misspelt_parameter_does_not_look_like_a_deletion(server: Server) -> None:
    assert (await server.http.delete(BASE, params={"memory_id": "a"})).status_code == 422


async def test_a_walk_by_cursor_sees_every_record_once(server: Server) -> None:
    await server.remember(*({"id": f"k{n}", "text": f"t{n}", "user_id": "ana"} for n in range(25)))
    await server.remember({"id": "other", "text": "t", "user_id": "bob"})
    seen: list[str] = []
    params: dict[str, Any] = {"user_id": "ana", "limit": 10}
    while True:
        page = answered(await server.http.get(BASE, params=params))
        MemoryListResponse.model_validate(page)
        assert page["total"] == 25
        seen += [memory["id"] for memory in page["memories"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(f"k{n}" for n in range(25))


async def test_a_listing_is_narrowed_by_place_and_type(server: Server) -> None:
    await server.remember(
        {"text": "a", "namespace": "n", "session_id": "s", "memory_type": "episodic"},
        {"text": "b", "namespace": "n", "session_id": "s"},
        {"text": "c", "namespace": "N"},
    )
    params = {"namespace": "n", "session_id": "s", "memory_type": "episodic"}
    page = answered(await server.http.get(BASE, params=params))
    assert [memory["id"] for memory in page["memories"]] == ["a"]


@pytest.mark.parametrize(
    "params", [{"cursor": "nonsense"}, {"limit": 0}, {"limit": 101}, {"user": "ana"}, {"memory_type": "odd"}]
)
async def test_a_listing_asked_for_wrongly_is_refused(server: Server, params: dict[str, Any]) -> None:
    response = await server.http.get(BASE, params=params)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", *params]


async def test_long_term_routes_are_refused_when_it_is_off(tmp_path: Path) -> None:
    async with serving(tmp_path, rules=Options(long_term=False)) as server:
        requests: list[tuple[str, str, Any]] = [
            ("POST", CREATE, {"memories": [{"id": "a", "text": "t"}]}),
            ("GET", BASE, None),
            ("GET", f"{BASE}/a", None),
            ("PATCH", f"{BASE}/a", {"text": "t"}),
            ("DELETE", f"{BASE}?memory_ids=a", None),
            ("POST", f"{BASE}/search", {"text": "t"}),
            ("POST", f"{BASE}/compact", None),
        ]
        for method, path, body in requests:
            response = await server.http.request(method, path, json=body)
            assert (response.status_code, response.json()["detail"]) == (400, "Long-term memory is disabled"), path
        forget = await server.http.post(f"{BASE}/forget", json={"policy": {}})
        assert forget.status_code == 200


async def test_the_history_tells_what_a_record_was_and_a_search_can_look_at_it(server: Server) -> None:
    await server.remember({"id": "home", "text": "lives in Lyon", "user_id": "ana", "created_at": AT})
    now = (await patch(server, "home", text="lives in Paris"))["valid_from"]
    history = await get(server, "home/history")
    assert [(one["id"], one["text"]) for one in history["versions"]] == [
        ("home", "lives in Paris"),
        ("home@1", "lives in Lyon"),
    ]
    assert (history["id"], history["total"]) == ("home", 2)
    before = history["versions"][1]
    assert (before["superseded_by"], before["superseded_because"], before["valid_until"]) == ("home", "edited", now)

    async def found(**members: Any) -> list[str]:
        body = {"text": "lives", "user_id": {"eq": "ana"}, **members}
        answer = answered(await server.http.post(f"{BASE}/search", json=body))
        assert answer["total"] == len(answer["memories"])
        return sorted(one["id"] for one in answer["memories"])

    assert await found() == ["home"]
    assert await found(include_superseded=True) == ["home", "home@1"]
    assert await found(as_of=AT) == ["home@1"]
    assert await found(as_of=now) == ["home"]
    answered(await server.http.delete(BASE, params={"memory_ids": "home"}))
    assert await found(include_superseded=True) == []

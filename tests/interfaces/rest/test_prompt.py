from __future__ import annotations

from typing import Any

import pytest

from agent_memory_client.models import MemoryPromptResponse
from tests.support.rest import Json, Server, answered

AT = "2026-01-31T12:00:00Z"
HEADING = "## Long term memories related to the user's query\n "
NOTHING = HEADING + "No relevant long-term memories found."


async def prompt(server: Server, **body: Any) -> Json:
    built = answered(await server.http.post("/v1/memory/prompt", json=body))
    MemoryPromptResponse.model_validate(built)
    return built


def shown(built: Json) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]["text"]) for message in built["messages"]]


async def converse(server: Server, session_id: str = "s", **body: Any) -> None:
    turns = [("user", "hello"), ("assistant", "hi"), ("tool", "42"), ("system", "be kind")]
    messages = [{"role": role, "content": content, "created_at": AT} for role, content in turns]
    answered(await server.http.put(f"/v1/working-memory/{session_id}", json={"messages": messages, **body}))


async def test_a_prompt_holds_summary_turns_memories_and_query_in_order(server: Server) -> None:
    await converse(server, context="they greeted", user_id="ana")
    await server.remember({"id": "k", "text": "Ana likes zebras", "user_id": "ana"})
    session = {"session_id": "s", "user_id": "ana"}
    built = await prompt(server, query="zebras", session=session, long_term_search={"limit": 1})
    assert shown(built) == [
        ("system", "## A summary of the conversation so far:\nthey greeted"),
        ("user", "hello"),
        ("assistant", "hi"),
        ("assistant", "42"),
        ("assistant", "be kind"),
        ("system", HEADING + "- Ana likes zebras (ID: k)"),
        ("user", "zebras"),
    ]
    assert built["messages"][0]["content"] == {
        "type": "text",
        "text": "## A summary of the conversation so far:\nthey greeted",
        "annotations": None,
        "_meta": None,
    }
    assert [memory["id"] for memory in built["long_term_memories"]] == ["k"]


async def test_without_a_search_there_are_no_memories(server: Server) -> None:
    await converse(server)
    for search in (None, False):
        built = await prompt(server, query="q", session={"session_id": "s"}, long_term_search=search)
        assert len(built["messages"]) == 5
        assert built["long_term_memories"] is None


async def test_a_search_without_results_says_so(server: Server) -> None:
    built = await prompt(server, query="zebras", long_term_search={"user_id": {"eq": "nobody"}})
    assert shown(built) == [("system", NOTHING), ("user", "zebras")]
    assert built["long_term_memories"] is None


async def test_a_session_that_is_not_there_is_an_empty_one_and_stays_away(server: Server) -> None:
    built = await prompt(server, query="q", session={"session_id": "nothing"})
    assert shown(built) == [("user", "q")]
    assert (await server.http.get("/v1/working-memory/nothing")).status_code == 404


async def test_true_searches_for_the_query_outside_the_session(server: Server) -> None:
    await converse(server, user_id="ana")
    await server.remember(
        {"id": "far", "text": "lions sleep", "user_id": "ana"},
        {"id": "near", "text": "zebras cross rivers", "user_id": "ana"},
        {"id": "theirs", "text": "zebras cross rivers", "user_id": "bob"},
        {"id": "inside", "text": "zebras cross rivers", "user_id": "ana", "session_id": "s"},
    )
    session = {"session_id": "s", "user_id": "ana"}
    built = await prompt(server, query="zebras cross", session=session, long_term_search=True)
    assert [memory["id"] for memory in built["long_term_memories"]] == ["near", "far"]


async def test_the_query_replaces_the_text_of_the_search(server: Server) -> None:
    await server.remember({"text": "zebras"}, {"text": "lions"})
    built = await prompt(server, query="zebras", long_term_search={"text": "lions", "search_mode": "keyword"})
    assert [memory["id"] for memory in built["long_term_memories"]] == ["zebras"]


async def test_a_search_that_names_a_user_keeps_it(server: Server) -> None:
    await server.remember({"id": "b", "text": "zebras", "user_id": "bob"})
    session = {"session_id": "s", "user_id": "ana"}
    search = {"user_id": {"eq": "bob"}}
    built = await prompt(server, query="zebras", session=session, long_term_search=search)
    assert [memory["id"] for memory in built["long_term_memories"]] == ["b"]


async def test_a_window_cuts_the_turns(server: Server) -> None:
    await converse(server)
    built = await prompt(server, query="q", session={"session_id": "s", "context_window_max": 1})
    assert shown(built) == [("assistant", "be kind"), ("user", "q")]


@pytest.mark.parametrize("body", [{}, {"long_term_search": False}, {"long_term_search": None, "session": None}])
async def test_a_prompt_of_nothing_is_refused(server: Server, body: Json) -> None:
    response = await server.http.post("/v1/memory/prompt", json={"query": "q", **body})
    assert response.status_code == 400
    assert response.json()["detail"] == "Either session or long_term_search must be provided"


async def test_an_empty_query_lists(server: Server) -> None:
    await server.remember({"text": "zebras"})
    built = await prompt(server, query="", long_term_search={})
    assert [memory["id"] for memory in built["long_term_memories"]] == ["zebras"]


async def test_a_refusal_of_the_search_passes_through(server: Server) -> None:
    search = {"search_mode": "keyword", "distance_threshold": 1}
    response = await server.http.post("/v1/memory/prompt", json={"query": "q", "long_term_search": search})
    assert response.status_code == 400


async def test_a_query_is_taken_as_it_is_when_nothing_can_optimize_it(server: Server) -> None:
    await server.remember({"text": "zebras"})
    body = {"query": "zebras", "long_term_search": {}}
    response = await server.http.post("/v1/memory/prompt", params={"optimize_query": "true"}, json=body)
    assert shown(answered(response))[0] == ("system", HEADING + "- zebras (ID: zebras)")

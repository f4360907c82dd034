"""What each tool does, and how it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.operations.options import Options
from tests.support.mcp import Calls, calls


async def test_the_time_is_utc_and_agrees_with_itself(tmp_path: Path) -> None:
    async with calls(tmp_path, clock=lambda: 1_790_000_000.75) as call:
        assert await call("get_current_datetime") == {"iso_utc": "2026-09-21T14:13:20Z", "unix_ts": 1_790_000_000}


async def test_background_work_is_told_of_calls(call: Calls) -> None:
    call.app.requests._clock = lambda: 0.0
    assert not call.app.requests.coming()
    await call("list_sessions")
    assert call.app.requests.coming()


async def test_a_created_memory_is_found_by_the_next_search_and_read_by_its_id(call: Calls) -> None:
    stored = await call("create_long_term_memories", memories=[{"text": "Maria prefers window seats"}])
    assert stored["status"] == "ok"
    id_ = stored["items"][0]["id"]
    page = await call("search_long_term_memory", text="window seats")
    assert [memory["id"] for memory in page["memories"]] == [id_]
    assert page["total"] == 1
    assert page["next_offset"] is None
    record = await call("get_long_term_memory", memory_id=id_)
    assert (record["memory_type"], record["discrete_memory_extracted"]) == ("semantic", "t")


async def test_a_search_looks_at_the_past_when_it_is_asked_to(call: Calls) -> None:
    stored = await call("create_long_term_memories", memories=[{"text": "Maria lives in Lyon"}])
    id_ = stored["items"][0]["id"]
    await call("edit_long_term_memory", memory_id=id_, text="Maria lives in Rome")
    assert await call.found("Maria lives") == {"Maria lives in Rome"}
    assert await call.found("Maria lives", include_superseded=True) == {"Maria lives in Rome", "Maria lives in Lyon"}
    assert await call.found("Maria lives", as_of="2001-01-01T00:00:00Z") == set()
    assert await call.found("Maria lives", as_of="2100-01-01T00:00:00Z") == {"Maria lives in Rome"}


async def test_a_memory_that_is_known_is_not_stored_twice(call: Calls) -> None:
    await call("create_long_term_memories", memories=[{"text": "a fact"}])
    again = await call("create_long_term_memories", memories=[{"text": "a fact"}])
    assert again["items"][0]["status"] == "duplicate"
    assert (await call("search_long_term_memory", text=None))["total"] == 1


async def test_pages_follow_one_another_to_the_end(call: Calls) -> None:
    await call.remember(*(f"note {n}" for n in range(5)))
    seen: set[str] = set()
    offset: int | None = 0
    while offset is not None:
        page = await call("search_long_term_memory", text="note", limit=2, offset=offset)
        seen |= {memory["text"] for memory in page["memories"]}
        offset = page["next_offset"]
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"topics": "travel"}, {"a"}),
        ({"topics": ["travel", "food"]}, {"a", "b"}),
        ({"topics": {"all": ["food", "home"]}}, {"b"}),
        ({"topics": {"ne": "travel"}}, {"b", "c"}),
        ({"user_id": {"eq": "u1"}}, {"a", "b"}),
        ({"memory_type": {"eq": "episodic"}}, {"c"}),
        ({"event_date": {"gte": "2026-05-01T00:00:00Z", "lt": "2026-06-01T00:00:00Z"}}, {"c"}),
        ({"session_id": {"startswith": "s"}}, {"a"}),
        ({"entities": {"any": ["Oslo"]}}, {"c"}),
    ],
)
async def test_filters_narrow_a_search(call: Calls, filters: dict[str, Any], expected: set[str]) -> None:
    memories = [
        {"text": "a", "topics": ["travel"], "user_id": "u1", "session_id": "s1"},
        {"text": "b", "topics": ["food", "home"], "user_id": "u1"},
        {"text": "c", "memory_type": "episodic", "event_date": "2026-05-02T00:00:00Z", "entities": ["Oslo"]},
    ]
    await call("create_long_term_memories", memories=memories)
    assert await call.found(None, **filters) == expected


async def test_a_threshold_with_another_mode_is_refused(call: Calls) -> None:
    reason = await call.refusal("search_long_term_memory", text="a", search_mode="keyword", distance_threshold=0.5)
    assert reason.startswith("400: distance_threshold is only supported for semantic search mode")


async def test_a_prompt_holds_the_session_the_memories_and_the_query(call: Calls) -> None:
    await call.remember("Maria prefers window seats", user_id="maria")
    messages = [{"role": "user", "content": "Hello"}, {"role": "tool", "content": "42"}]
    await call("set_working_memory", session_id="s", user_id="maria", messages=messages, context="They met.")
    built = await call("memory_prompt", query="window seats?", session_id={"eq": "s"}, user_id="maria")
    spoken = [(message["role"], message["content"]["text"]) for message in built["messages"]]
    assert spoken[0] == ("system", "## A summary of the conversation so far:\nThey met.")
    assert spoken[1:3] == [("user", "Hello"), ("assistant", "42")]
    assert "Maria prefers window seats (ID: Maria prefers window seats)" in spoken[3][1]
    assert spoken[4] == ("user", "window seats?")
    assert built["messages"][0]["content"].keys() == {"type", "text", "annotations", "meta"}
    assert "Maria prefers window seats" in {memory["text"] for memory in built["long_term_memories"]}


async def test_a_prompt_without_search_needs_a_session(call: Calls) -> None:
    reason = await call.refusal("memory_prompt", query="q", include_long_term_search=False)
    assert reason.startswith("400: Either session_id or include_long_term_search=True must be provided")
    built = await call("memory_prompt", query="q", session_id="none", include_long_term_search=False)
    assert [message["role"] for message in built["messages"]] == ["user"]
    assert built["long_term_memories"] is None


async def test_a_prompts_window_leaves_out_old_messages(call: Calls) -> None:
    messages = [{"role": "user", "content": f"message {n} " + "word " * 50} for n in range(20)]
    await call("set_working_memory", session_id="s", messages=messages)
    ask = {"query": "q", "session_id": "s", "include_long_term_search": False}
    assert len((await call("memory_prompt", **ask))["messages"]) == 21
    assert 2 <= len((await call("memory_prompt", **ask, context_window_max=200))["messages"]) < 6


async def test_setting_a_session_replaces_it_as_a_whole(call: Calls) -> None:
    first = await call("set_working_memory", session_id="s", messages=[{"role": "user", "content": "a"}], data={"k": 1})
    assert first["data"] == {"k": 1}
    assert first["ttl_seconds"] == 3600
    second = await call("set_working_memory", session_id="s", context="short", ttl_seconds=60)
    assert (second["messages"], second["data"], second["context"], second["ttl_seconds"]) == ([], {}, "short", 60)
    assert second["context_percentage_total_used"] is None
    read = await call("get_working_memory", session_id="s")
    assert (read["context"], read["messages"]) == ("short", [])


async def test_a_sessions_memories_belong_to_its_user_and_become_long_term(call: Calls) -> None:
    memories = [{"text": "likes tea", "user_id": "somebody", "persisted_at": "2020-01-01T00:00:00Z"}]
    await call("set_working_memory", session_id="s", user_id="maria", namespace="home", memories=memories)
    page = await call("search_long_term_memory", text="tea", memory_type="semantic")
    assert [(m["user_id"], m["namespace"], m["session_id"]) for m in page["memories"]] == [("maria", "home", "s")]
    assert not page["memories"][0]["persisted_at"].startswith("2020")


async def test_appended_messages_stand_behind_the_earlier_ones_and_are_found(call: Calls) -> None:
    counts = []
    for content in ("first", "second"):
        message = {"role": "user", "content": content}
        answer = await call("append_working_memory_messages", session_id="s", messages=[message])
        counts.append(answer["message_count"])
    assert counts == [1, 2]
    read = await call("get_working_memory", session_id="s")
    assert [message["content"] for message in read["messages"]] == ["first", "second"]
    assert "user: second" in await call.found("second", search_mode="keyword")


async def test_twenty_clients_that_append_at_once_lose_nothing(call: Calls) -> None:
    await asyncio.gather(
        *(
            call("append_working_memory_messages", session_id="s", messages=[{"role": "user", "content": f"m{n}"}])
            for n in range(20)
        )
    )
    read = await call("get_working_memory", session_id="s")
    assert {message["content"] for message in read["messages"]} == {f"m{n}" for n in range(20)}


async def test_a_session_that_is_not_there_reads_as_an_empty_one_and_is_not_stored(call: Calls) -> None:
    read = await call("get_working_memory", session_id="none", user_id="u", namespace="n")
    assert (read["session_id"], read["user_id"], read["namespace"]) == ("none", "u", "n")
    assert (read["messages"], read["memories"], read["data"]) == ([], [], {})
    assert await call("list_sessions") == {"sessions": [], "total": 0}


async def test_reading_a_session_can_show_what_would_be_remembered_and_stores_nothing(call: Calls) -> None:
    messages = [
        {"role": "user", "content": "I live in Oslo. I love it!"},
        {"role": "assistant", "content": "I am here."},
    ]
    await call("set_working_memory", session_id="s", messages=messages)
    read = await call("get_working_memory", session_id="s", recent_messages_limit=1, try_extraction=True)
    assert [message["content"] for message in read["messages"]] == ["I am here."]
    assert [memory["text"] for memory in read["extraction"]["memories"]] == ["User: I live in Oslo."]
    assert [refused["quote"] for refused in read["extraction"]["refused"]] == ["I love it!"]
    assert "extraction" not in await call("get_working_memory", session_id="s")
    nothing = await call("get_working_memory", session_id="none", try_extraction=True)
    assert nothing["extraction"] == {"memories": [], "refused": []}
    assert (await call("search_long_term_memory", text=None, memory_type="semantic"))["total"] == 0


async def test_the_latest_messages_can_be_asked_for(call: Calls) -> None:
    messages = [{"role": "user", "content": f"m{n}"} for n in range(5)]
    await call("set_working_memory", session_id="s", messages=messages)
    read = await call("get_working_memory", session_id="s", recent_messages_limit=2)
    assert [message["content"] for message in read["messages"]] == ["m3", "m4"]
    assert len((await call("get_working_memory", session_id="s", recent_messages_limit=0))["messages"]) == 5


async def test_sessions_are_listed_by_place(call: Calls) -> None:
    for user, session in (("u1", "a"), ("u1", "b"), ("u2", "c")):
        await call("set_working_memory", session_id=session, user_id=user)
    assert await call("list_sessions", user_id="u1") == {"sessions": ["a", "b"], "total": 2}
    assert (await call("list_sessions", limit=1))["total"] == 3


async def test_an_edit_changes_what_it_names_and_nothing_else(call: Calls) -> None:
    await call.remember("a fact", user_id="u", topics=["t"])
    edited = await call("edit_long_term_memory", memory_id="a fact", text="another fact", pinned=True)
    assert (edited["text"], edited["pinned"], edited["user_id"], edited["topics"]) == ("another fact", True, "u", ["t"])
    dated = await call("edit_long_term_memory", memory_id="a fact", event_date="2026-05-01T02:00:00+02:00")
    assert dated["event_date"] == "2026-05-01T00:00:00Z"
    assert await call.found("another") == {"another fact"}


async def test_an_edit_of_nothing_is_refused(call: Calls) -> None:
    await call.remember("a")
    assert (await call.refusal("edit_long_term_memory", memory_id="a")).startswith("400: No fields provided for update")


async def test_deleting_tells_how_many_there_were(call: Calls) -> None:
    await call.remember("a", "b")
    answer = await call("delete_long_term_memories", memory_ids=["a", "b", "never"])
    assert answer == {"status": "ok, deleted 2 memories"}
    assert await call.found() == set()


async def test_compaction_tells_how_many_remain(call: Calls) -> None:
    await call.remember("a", "b", namespace="n")
    await call.remember("c")
    answer = await call("compact_long_term_memories", namespace="n")
    assert answer == {"status": "ok, 2 memories remaining after compaction"}


@pytest.mark.parametrize("tool", ["get_long_term_memory", "edit_long_term_memory"])
async def test_an_unknown_id_is_an_error_that_says_how_to_find_one(call: Calls, tool: str) -> None:
    changes = {"text": "x"} if tool.startswith("edit") else {}
    reason = await call.refusal(tool, memory_id="none", **changes)
    assert reason.startswith("404: Memory with ID none not found.")
    assert "search" in reason


async def test_an_unknown_tool_is_an_error(call: Calls) -> None:
    result = await call.result("no_such_tool")
    assert result["isError"] is True
    assert result["content"][0]["text"] == "Unknown tool: no_such_tool"


async def test_long_term_memory_that_is_off_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    async with calls(tmp_path, rules=Options(long_term=False)) as call:
        for tool, arguments in (
            ("search_long_term_memory", {"text": "a"}),
            ("create_long_term_memories", {"memories": [{"text": "a"}]}),
            ("delete_long_term_memories", {"memory_ids": ["a"]}),
        ):
            assert (await call.refusal(tool, **arguments)).startswith("400: Long-term memory is disabled")

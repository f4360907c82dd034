"""The namespace and user that are meant where a call names none."""

from __future__ import annotations

import pytest

from agent_memory_server.interfaces.mcp.caller import Caller
from tests.support.mcp import Calls

HOME = Caller(namespace="home", user_id="maria", bound=True)
WORK = Caller(namespace="work", user_id="maria", bound=True)
DEFAULT = Caller(namespace="home", user_id="maria")

callers = pytest.mark.parametrize("caller", [HOME, DEFAULT], ids=["by address", "by setting"])


@callers
async def test_a_place_is_filled_in_for_every_tool_that_has_the_parameters(call: Calls, caller: Caller) -> None:
    placed, elsewhere = call.acting_as(caller), call.acting_as(WORK)
    await placed.remember("at home")
    await elsewhere.remember("at work")
    record = (await call("search_long_term_memory", text="at home"))["memories"][0]
    assert (record["namespace"], record["user_id"]) == ("home", "maria")
    assert await placed.found() == {"at home"}
    assert await placed.found("work") == {"at home"}
    prompt = await placed("memory_prompt", query="at")
    assert [memory["text"] for memory in prompt["long_term_memories"]] == ["at home"]

    message = [{"role": "user", "content": "Hello"}]
    session = await placed("set_working_memory", session_id="s", messages=message)
    assert (session["namespace"], session["user_id"]) == ("home", "maria")
    await elsewhere("append_working_memory_messages", session_id="s", messages=[*message, *message])
    assert len((await placed("get_working_memory", session_id="s"))["messages"]) == 1
    assert len((await elsewhere("get_working_memory", session_id="s"))["messages"]) == 2
    assert await placed("list_sessions") == {"sessions": ["s"], "total": 1}
    own = (await placed("search_long_term_memory", text=None))["total"]
    assert await placed("compact_long_term_memories") == {"status": f"ok, {own} memories remaining after compaction"}


async def test_what_a_call_names_itself_comes_first(call: Calls) -> None:
    await call.remember("at work", namespace="work", user_id="maria")
    placed = call.acting_as(HOME)
    assert await placed.found() == set()
    assert await placed.found(None, namespace="work") == {"at work"}
    assert await placed.found(None, namespace={"any": ["work", "home"]}, user_id={"eq": "maria"}) == {"at work"}
    await placed.remember("elsewhere", namespace="other")
    assert await call.found(None, namespace="other") == {"elsewhere"}


@pytest.mark.parametrize("nothing", [None, ""])
async def test_null_and_nothing_count_as_not_named(call: Calls, nothing: str | None) -> None:
    await call.acting_as(HOME)("set_working_memory", session_id="s", namespace=nothing, user_id=nothing)
    assert (await call("list_sessions", namespace="home", user_id="maria"))["sessions"] == ["s"]


async def test_ids_are_looked_for_in_the_namespace_of_the_address_alone(call: Calls) -> None:
    await call.acting_as(WORK).remember("at work")
    home = call.acting_as(HOME)
    assert (await home.refusal("get_long_term_memory", memory_id="at work")).startswith("404")
    assert (await home.refusal("edit_long_term_memory", memory_id="at work", text="x")).startswith("404")
    assert await home("delete_long_term_memories", memory_ids=["at work"]) == {"status": "ok, deleted 0 memories"}
    assert await call.found() == {"at work"}
    assert (await call.acting_as(DEFAULT)("get_long_term_memory", memory_id="at work"))["text"] == "at work"


@callers
async def test_an_edit_moves_nothing_by_itself(call: Calls, caller: Caller) -> None:
    await call.remember("a note", namespace="home", user_id="jo")
    edited = await call.acting_as(caller)("edit_long_term_memory", memory_id="a note", text="another note")
    assert (edited["namespace"], edited["user_id"]) == ("home", "jo")

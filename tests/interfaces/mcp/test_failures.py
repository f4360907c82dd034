"""A failure is a tool error that says what to do; an outage is never an empty answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agent_memory_server.domain import errors
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.interfaces.mcp.errors import ADVICE, META_KEY
from agent_memory_server.interfaces.status import STATUS
from tests.interfaces.mcp.test_arguments import REQUIRED
from tests.support.mcp import Calls, calls
from tests.support.outage import Mood, embedder_of, moody_service


class _Failing:
    """A store of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*args: object, **options: object) -> NoReturn:
            raise self._error

        return fail


def broken(call: Calls, error: Exception) -> Calls:
    store: Any = _Failing(error)
    return Calls(replace(call.app, memories=store, sessions=store), call.caller)


STORED = {**REQUIRED, "edit_long_term_memory": {"memory_id": "m", "text": "a"}}
del STORED["get_current_datetime"]


@pytest.mark.parametrize("tool", STORED)
async def test_an_outage_of_the_store_is_an_error_of_every_tool(call: Calls, tool: str) -> None:
    down = broken(call, errors.Unavailable("the disk is gone"))
    reason = await down.refusal(tool, **STORED[tool])
    assert reason.startswith("503: the disk is gone.")
    assert "not an empty memory" in reason
    meta = (await down.result(tool, **STORED[tool]))["_meta"][META_KEY]
    assert meta == {"code": "unavailable", "status": 503, "retryable": True}


@pytest.mark.parametrize("cls", STATUS)
async def test_every_failure_has_its_code_status_and_advice(call: Calls, cls: type[MemoryServerError]) -> None:
    failing = broken(call, cls("what happened"))
    result = await failing.result("get_long_term_memory", memory_id="m")
    assert result["_meta"][META_KEY]["code"] == cls.code
    advice = next(ADVICE[base] for base in cls.__mro__ if base in ADVICE)
    assert result["content"][0]["text"].endswith(f"{STATUS[cls]}: what happened. {advice}")
    assert "structuredContent" not in result


async def test_a_fault_tells_an_id_and_nothing_of_its_cause(call: Calls) -> None:
    reason = await broken(call, RuntimeError("secret text")).refusal("get_long_term_memory", memory_id="m")
    assert reason.startswith("500: a fault of the server; its log has the error id ")
    assert "secret" not in reason


@pytest.mark.parametrize("mood", [Mood.FAILING, Mood.SILENT])
async def test_an_embedder_that_fails_leaves_words_and_the_answer_says_so(tmp_path: Path, mood: Mood) -> None:
    async with moody_service() as service, calls(tmp_path, embedder=await embedder_of(service)) as call:
        await call.remember("the zebra crossed")
        service.become(mood)
        page = await call("search_long_term_memory", text="which zebra was it")
        assert [memory["text"] for memory in page["memories"]] == ["the zebra crossed"]
        assert "searched by words only" in page["degraded"][0]
        assert (await call("memory_prompt", query="zebra"))["degraded"]
        stored = await call("create_long_term_memories", memories=[{"text": "a lion slept"}])
        assert stored["items"][0]["embedded"] is False

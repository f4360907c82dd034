"""The door itself: a request for a tool, a prompt or a resource in, the result out; the same on every transport."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic_core import to_json
from ulid import ULID

from agent_memory_server.domain.errors import InvalidRequest, MemoryServerError
from agent_memory_server.interfaces.mcp import guide
from agent_memory_server.interfaces.mcp.arguments import MODELS, Place
from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.calls import CALLS, recent
from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.errors import failure, fault, unknown_tool
from agent_memory_server.interfaces.mcp.reading import opened, read
from agent_memory_server.interfaces.mcp.surface import is_clean
from agent_memory_server.operations.application import Application
from agent_memory_server.telemetry.log import frames_of

_RECENT = 20
_NO_MEMORIES = "No memories are stored yet."

log = structlog.get_logger()


class Door:
    """Serves one application."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The members of a `CallToolResult`. Every failure is a tool error; only cancellation is raised."""
        if name not in TOOLS:
            return unknown_tool(name)
        started = time.perf_counter()
        code = None
        try:
            members = await self._run(name, arguments, caller)
        except MemoryServerError as exc:
            code = exc.code
            return failure(name, exc)
        except Exception as exc:  # noqa: BLE001 - the last barrier: told by id, its place logged
            code = MemoryServerError.code
            error_id = str(ULID())
            log.error("mcp.fault", tool=name, error_id=error_id, error=type(exc).__qualname__, where=frames_of(exc))  # noqa: TRY400 - a traceback may quote the call
            return fault(name, error_id)
        else:
            text = to_json(members).decode()
            return {"content": [{"type": "text", "text": text}], "structuredContent": members}
        finally:
            took = round((time.perf_counter() - started) * 1000, 2)
            log.info("mcp.call", tool=name, duration_ms=took, subject=caller.principal.subject, error=code)

    async def _run(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        self._app.requests.arrived()
        tool = TOOLS[name]
        placed = caller.placed(name, tool.parameters, opened(tool, arguments))
        return await CALLS[name](self._app, caller.acting(name), read(MODELS[name], placed))

    async def prompt(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The members of a `GetPromptResult`. Raises: InvalidRequest, and what the operations raise."""
        known = {prompt["name"]: prompt for prompt in guide.PROMPTS}
        if name not in known:
            raise InvalidRequest(f"Unknown prompt: {name[:128]}; there are {', '.join(known)}")
        _check_prompt(known[name], arguments)
        if name == guide.REMEMBER:
            focus = f", above all for {arguments['focus']}," if arguments.get("focus") else ""
            return _prompt(known[name], [("user", guide.REMEMBER_REQUEST.format(focus=focus))])
        asked = {"query": arguments["question"], "session_id": arguments.get("session_id") or None}
        built = await self._run("memory_prompt", asked, caller)
        # A prompt has no system role: what the system would say, the user says.
        spoken = [
            ("assistant" if message["role"] == "assistant" else "user", message["content"]["text"])
            for message in built["messages"]
        ]
        return _prompt(known[name], spoken)

    async def resource(self, uri: str, caller: Caller) -> dict[str, Any]:
        """The members of a `ReadResourceResult`. Raises: InvalidRequest, and what the operations raise."""
        if uri == guide.GUIDE_URI:
            text = guide.GUIDE
        elif uri == guide.RECENT_URI:
            place = Place(namespace=caller.namespace, user_id=caller.user_id)
            found = await recent(self._app, caller.principal, place, _RECENT)
            text = "\n".join(f"- {memory['text']} (ID: {memory['id']})" for memory in found["memories"]) or _NO_MEMORIES
        else:
            known = ", ".join(resource["uri"] for resource in guide.RESOURCES)
            raise InvalidRequest(f"Unknown resource: {uri[:256]}; there are {known}")
        return {"contents": [{"uri": uri, "mimeType": "text/markdown", "text": text}]}


def _check_prompt(prompt: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    names = {argument["name"] for argument in prompt["arguments"]}
    for name, value in arguments.items():
        if name not in names:
            raise InvalidRequest(f"{name[:64]!r} is not an argument of {prompt['name']}; it takes {', '.join(names)}")
        if not isinstance(value, str) or not is_clean(value):
            raise InvalidRequest(f"{name} must be text")
    for argument in prompt["arguments"]:
        if argument["required"] and not arguments.get(argument["name"]):
            raise InvalidRequest(f"{argument['name']} is required")


def _prompt(prompt: Mapping[str, Any], spoken: list[tuple[str, str]]) -> dict[str, Any]:
    messages = [{"role": role, "content": {"type": "text", "text": text}} for role, text in spoken]
    return {"description": prompt["description"], "messages": messages}

"""The requests of the protocol that this server answers, apart from how a connection begins.

Lists are known before anything is loaded; what needs the application waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from agent_memory_server import __version__
from agent_memory_server.domain.errors import InvalidRequest, MemoryServerError
from agent_memory_server.interfaces.mcp import guide
from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.errors import failure

INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002

SERVER_INFO = {"name": guide.SERVER_NAME, "title": "Agent Memory Server", "version": __version__}
CAPABILITIES: dict[str, Any] = {
    "prompts": {"listChanged": False},
    "resources": {"subscribe": False, "listChanged": False},
    "tools": {"listChanged": False},
}
LIST_TTL_MS = 300_000
"""How long a client may keep a list. They change with the server's version only."""

_TOOL_LIST = [tool.listed() for tool in TOOLS.values()]
_LISTS: Mapping[str, dict[str, Any]] = {
    "tools/list": {"tools": _TOOL_LIST},
    "prompts/list": {"prompts": guide.PROMPTS},
    "resources/list": {"resources": guide.RESOURCES},
    "resources/templates/list": {"resourceTemplates": []},
}
METHODS = frozenset({"ping", "tools/call", "prompts/get", "resources/read", *_LISTS})
_NOT_LASTING = frozenset({"resources/read", "server/discover"})
"""The format asks how long they hold, and they may differ the next time."""


class ProtocolError(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Serving(Protocol):
    """What a request for more than a list needs: `door.Door`, whose loading takes a while."""

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run a tool."""
        ...

    async def prompt(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Fill in a prompt."""
        ...

    async def resource(self, uri: str, caller: Caller) -> dict[str, Any]:
        """Read a resource."""
        ...


class Surface:
    """door: gives the door, waiting for it to be loaded where that is still going on."""

    def __init__(self, door: Callable[[], Awaitable[Serving]]) -> None:
        self._door = door

    async def answer(self, method: str, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The result of a request. method: one of METHODS. Raises: ProtocolError."""
        if method == "ping":
            return {}
        if method in _LISTS:
            return dict(_LISTS[method])
        if method == "tools/call":
            name, arguments = _text(params, "name"), _members(params, "arguments")
            try:
                door = await self._door()
            except MemoryServerError as exc:
                return failure(name, exc)
            return await door.call(name, arguments, caller)
        try:
            if method == "prompts/get":
                name, arguments = _text(params, "name"), _members(params, "arguments")
                return await (await self._door()).prompt(name, arguments, caller)
            return await (await self._door()).resource(_text(params, "uri"), caller)
        except MemoryServerError as exc:
            unknown = RESOURCE_NOT_FOUND if method == "resources/read" else INVALID_PARAMS
            code = unknown if isinstance(exc, InvalidRequest) else INTERNAL_ERROR
            raise ProtocolError(code, str(exc), {"code": exc.code, "retryable": exc.retryable}) from exc


def stateless(method: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A result in the form of the stateless generation: it says that it is whole, and how long it holds."""
    finished = {"resultType": "complete", **result}
    if method in _LISTS:
        return finished | {"ttlMs": LIST_TTL_MS, "cacheScope": "public"}
    return finished | ({"ttlMs": 0, "cacheScope": "private"} if method in _NOT_LASTING else {})


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not is_clean(value):
        raise ProtocolError(INVALID_PARAMS, f"Invalid request parameters: {name} must be text")
    return value


def is_clean(value: str) -> bool:
    """Whether a text can be sent back: JSON can spell half characters that no UTF-8 stream can carry."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _members(params: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(INVALID_PARAMS, f"Invalid request parameters: {name} must be an object")
    return value

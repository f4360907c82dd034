"""The protocol's own library, given our answers: it serves both generations over HTTP."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.types import Scope

from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.guide import INSTRUCTIONS
from agent_memory_server.interfaces.mcp.surface import SERVER_INFO, ProtocolError, Surface, stateless

CALLER = "agent_memory.mcp.caller"
"""Key in the ASGI scope of a request: the `Caller` it acts as."""

_PARAMETERS: dict[str, type[types.RequestParams]] = {
    "ping": types.RequestParams,
    "tools/list": types.PaginatedRequestParams,
    "tools/call": types.CallToolRequestParams,
    "prompts/list": types.PaginatedRequestParams,
    "prompts/get": types.GetPromptRequestParams,
    "resources/list": types.PaginatedRequestParams,
    "resources/templates/list": types.PaginatedRequestParams,
    "resources/read": types.ReadResourceRequestParams,
}
_SCHEMAS = {name: tool.listed()["inputSchema"] for name, tool in TOOLS.items()}


def library_server(surface: Surface, otherwise: Caller | None = None) -> Server[Any]:
    """A server of the library. otherwise: the caller of requests that do not come over HTTP."""
    server: Server[Any] = Server(
        SERVER_INFO["name"],
        version=SERVER_INFO["version"],
        title=SERVER_INFO["title"],
        instructions=INSTRUCTIONS,
        get_tool_input_schema=_SCHEMAS.get,
    )
    server.middleware.clear()  # it opens a trace span for each message, whose attributes name what was asked for

    async def handle(context: ServerRequestContext[Any, Any], _params: types.RequestParams) -> dict[str, Any]:
        caller = otherwise if context.request is None else context.request.scope[CALLER]
        if caller is None:
            raise MCPError(code=types.INTERNAL_ERROR, message="Internal server error")
        try:
            result = await surface.answer(context.method, context.params or {}, caller)
        except ProtocolError as exc:
            raise MCPError(code=exc.code, message=str(exc), data=exc.data) from exc
        return stateless(context.method, result) if context.protocol_version in MODERN_PROTOCOL_VERSIONS else result

    for method, parameters in _PARAMETERS.items():
        server.add_request_handler(method, parameters, handle)
    return server


def bind(scope: Scope, caller: Caller) -> None:
    """Note in the scope of a request as whom, and in which namespace, it acts.

    The library lets only the same subject and namespace that opened a stream send messages into it.
    """
    scope[CALLER] = caller
    owner = json.dumps([caller.principal.subject, caller.namespace if caller.bound else None])
    scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=owner, scopes=[]))

"""JSON-RPC messages of both generations of the protocol, answered one by one, for a server on stdin and stdout.

The library that serves HTTP takes most of a second to import; a client that starts this process wants its first answer
in less. So the few messages of a stdio server are answered here, from data alone; a test holds every answer against
the library's. A request with the envelope of the 2026-07-28 generation (its version in `_meta`) is answered in that
form, any other in the form of the generation with the handshake. Nothing depends on what came before, so clients that
leave out the handshake are served too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.guide import INSTRUCTIONS
from agent_memory_server.interfaces.mcp.surface import (
    CAPABILITIES,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHODS,
    SERVER_INFO,
    ProtocolError,
    Surface,
    stateless,
)
from agent_memory_server.telemetry.log import frames_of

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSIONS = ("2026-07-28",)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
UNSUPPORTED_VERSION = -32022

_KEY = "io.modelcontextprotocol/"
_VERSION = f"{_KEY}protocolVersion"
_CAPABILITIES = f"{_KEY}clientCapabilities"
_SERVER_INFO = f"{_KEY}serverInfo"

Message = dict[str, Any]
log = structlog.get_logger()


def is_request(message: Message) -> bool:
    """Whether the message asks for an answer; notifications, and answers to nothing we asked, do not."""
    return "method" in message and "id" in message


def cancelled_id(message: Message) -> object:
    """The id of the request that a message cancels; None when it cancels none."""
    params = message.get("params")
    if message.get("method") != "notifications/cancelled" or not isinstance(params, dict):
        return None
    return params.get("requestId")


def error(id_: object, code: int, reason: str, data: object = None) -> Message:
    """A JSON-RPC error."""
    told: Message = {"code": code, "message": reason}
    if data is not None:
        told["data"] = data
    return {"jsonrpc": "2.0", "id": id_, "error": told}


async def reply(surface: Surface, message: Message, caller: Caller) -> Message:
    """The answer to a request; a failure is an answer too. Raises nothing but cancellation."""
    id_, method = message.get("id"), message.get("method")
    if not isinstance(id_, str | int) or isinstance(id_, bool) or not isinstance(method, str):
        return error(None, INVALID_REQUEST, "A request has a method and an id that is text or a whole number")
    try:
        params = _params(message)
        result = await _result(surface, method, params, caller)
    except ProtocolError as exc:
        return error(id_, exc.code, str(exc), exc.data)
    except Exception as exc:  # noqa: BLE001 - the last barrier: one request must not end the process
        log.error("mcp.fault", method=method[:64], error=type(exc).__qualname__, where=frames_of(exc))  # noqa: TRY400 - a traceback may quote the request
        return error(id_, INTERNAL_ERROR, "Internal server error")
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def _params(message: Message) -> Mapping[str, Any]:
    params = message.get("params")
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters: an object is needed")
    return params


async def _result(surface: Surface, method: str, params: Mapping[str, Any], caller: Caller) -> Message:
    envelope = params.get("_meta")
    if isinstance(envelope, dict) and _VERSION in envelope and method != "initialize":
        _check_envelope(envelope)
        return _stamped(method, await _answer(surface, method, params, caller, enveloped=True))
    if method == "initialize":
        return _initialized(params)
    return await _answer(surface, method, params, caller, enveloped=False)


async def _answer(
    surface: Surface, method: str, params: Mapping[str, Any], caller: Caller, *, enveloped: bool
) -> Message:
    if method == "server/discover" and enveloped:
        return {
            "supportedVersions": list(STATELESS_VERSIONS),
            "capabilities": CAPABILITIES,
            "instructions": INSTRUCTIONS,
        }
    if method not in METHODS or (enveloped and method == "ping"):
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)
    return await surface.answer(method, params, caller)


def _initialized(params: Mapping[str, Any]) -> Message:
    asked = params.get("protocolVersion")
    if not isinstance(asked, str):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters: protocolVersion must be text")
    return {
        "protocolVersion": asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER_INFO,
        "instructions": INSTRUCTIONS,
    }


def _check_envelope(envelope: Mapping[str, Any]) -> None:
    version = envelope[_VERSION]
    if not isinstance(version, str):
        raise ProtocolError(INVALID_PARAMS, f"{_VERSION} must be text")
    if not isinstance(envelope.get(_CAPABILITIES), dict):
        raise ProtocolError(INVALID_PARAMS, f"{_CAPABILITIES} is required and must be an object")
    if version not in STATELESS_VERSIONS:
        data = {"supported": list(STATELESS_VERSIONS), "requested": version}
        raise ProtocolError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def _stamped(method: str, result: Message) -> Message:
    """The result in the form of the stateless generation: every one says what it is, and who answered."""
    meta = {**result.get("_meta", {}), _SERVER_INFO: SERVER_INFO}
    return {**stateless(method, result), "_meta": meta}

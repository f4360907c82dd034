"""The arguments of a call, read: every mistake is told with the name of its parameter and what would be right."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.interfaces.mcp.tool import Tool

ModelT = TypeVar("ModelT", bound=BaseModel)
_MOST_MISTAKES = 5
_LONGEST_SHOWN = 60


def opened(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with objects and lists that were written as text turned into what they say.

    Raises: InvalidRequest for a name that is no parameter.
    """
    _refuse_unknown(tool, arguments)
    return {name: _opened(tool.parameters[name], value) for name, value in arguments.items()}


def read(model: type[ModelT], arguments: Mapping[str, Any]) -> ModelT:
    """The arguments as the tool's model. Raises: InvalidRequest, naming every parameter at fault (the first five)."""
    try:
        return model.model_validate(arguments)
    except ValidationError as exc:
        mistakes = exc.errors(include_url=False)
        told = [_mistake(error) for error in mistakes[:_MOST_MISTAKES]]
        if len(mistakes) > _MOST_MISTAKES:
            told.append(f"and {len(mistakes) - _MOST_MISTAKES} more")
        raise InvalidRequest("; ".join(told)) from exc


def _refuse_unknown(tool: Tool, arguments: Iterable[str]) -> None:
    for name in arguments:
        if name not in tool.parameters:
            near = difflib.get_close_matches(name, tool.parameters, n=1)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(tool.parameters) or 'none'}"
            raise InvalidRequest(f"{_shown(name)} is not a parameter of {tool.name}; {advice}")


def _opened(parameter: Mapping[str, Any], value: Any) -> Any:
    # Models send an object or a list as text now and then.
    if not isinstance(value, str) or value[:1] not in {"{", "["}:
        return value
    kinds = parameter.get("type")
    if not {"object", "array"}.intersection(kinds if isinstance(kinds, list) else [kinds]):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _mistake(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    where = _path(error["loc"])
    if error["type"] == "missing":
        return f"{where} is required"
    if error["type"] == "extra_forbidden":
        return f"{where} is not known here"
    given = error.get("input")
    shown = f" (given: {_shown(given)})" if isinstance(given, str | int | float) or given is None else ""
    return f"{where}: {message}{shown}" if where else message


def _path(location: Iterable[str | int]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"

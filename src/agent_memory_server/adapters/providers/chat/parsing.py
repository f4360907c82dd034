"""JSON out of what a model wrote: small models put it in fences, think aloud before it, and talk on behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent_memory_server.adapters.providers.chat.schema import fault

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[\w-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_START = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder(strict=False)  # line breaks inside strings are let pass
_MOST_STARTS = 200


class NotThis(ValueError):
    """The answer cannot be used. `str` says why, in words for the model; it quotes nothing."""


def spoken(text: str) -> str:
    """The answer without thoughts that were written out before it, and without half characters."""
    bare = _THOUGHT.sub("", text)
    return bare.encode("utf-8", "replace").decode("utf-8").strip()


def parsed(text: str, schema: Mapping[str, Any]) -> Any:
    """The first JSON value in the text that satisfies the schema. Raises: NotThis.

    A bare list counts as the only list that the wanted object consists of.
    """
    reason = ""
    for value, outermost in _values(spoken(text)):
        candidate = _wrapped(value, schema) if outermost else value
        found = fault(candidate, schema)
        if found is None:
            return _whole(candidate)
        reason = reason or found
    raise NotThis(reason or "there is no complete JSON in it")


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Every JSON object or list that begins somewhere in the text, those in fences first; and whether nothing that
    failed stands before it, which it might be a part of."""
    for part in (*_FENCE.findall(text), text):
        position, outermost = 0, True
        for _ in range(_MOST_STARTS):
            start = _START.search(part, position)
            if start is None:
                break
            try:
                value, position = _DECODER.raw_decode(part, start.start())
            except (ValueError, RecursionError):
                position, outermost = start.end(), False
                continue
            yield value, outermost


def _wrapped(value: Any, schema: Mapping[str, Any]) -> Any:
    properties = schema.get("properties", {})
    if isinstance(value, list) and len(properties) == 1:
        (name, part), *_ = properties.items()
        if part.get("type") == "array":
            return {name: value}
    return value


def _whole(value: Any) -> Any:
    """The value without halves of surrogate pairs, which no store and no wire carries."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return value

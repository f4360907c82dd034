"""JSON out of what a model wrote: small models put it in fences, think aloud before it, and talk on behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from agent_memory_server.adapters.providers.chat.fitting import fitted, listed, without_misfits
from agent_memory_server.adapters.providers.chat.lenient import decoded
from agent_memory_server.adapters.providers.chat.schema import fault

_THOUGHT = re.compile(r"<(think|thinking|reasoning|thought)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_BEFORE = re.compile(r"\A.*</(think|thinking|reasoning|thought)>", re.DOTALL | re.IGNORECASE)
_CHANNEL = re.compile(r"\A.*<\|channel\|>final<\|message\|>", re.DOTALL)
_MARK = re.compile(r"<\|\w+\|>\s*\Z")
_FENCE = re.compile(r"```[\w-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_ONE_FENCE = re.compile(r"```[\w-]*\s*\n((?:(?!```).)*)```", re.DOTALL)
_START = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder(strict=False)  # line breaks inside strings are let pass
_MOST_FAILED = 200
_OBJECT = re.compile(r"\{\s*[\"'“]")
_BROKEN: Any = object()


class NotThis(ValueError):
    """The answer cannot be used. `str` says why, in words for the model; it quotes nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """value: satisfies the schema. misfits: items of its list that were left out, as they have not their form."""

    value: Any
    misfits: int = 0


def spoken(text: str) -> str:
    """The answer without a fence around all of it, thoughts that were written out before it, and half characters."""
    bare = _THOUGHT_BEFORE.sub("", _THOUGHT.sub("", _CHANNEL.sub("", text)))
    bare = _MARK.sub("", bare).encode("utf-8", "replace").decode("utf-8").strip()
    fence = _ONE_FENCE.fullmatch(bare)
    return fence.group(1).strip() if fence else bare


def parsed(
    text: str, schema: Mapping[str, Any], may_lack: Set[str] = frozenset(), *, misfits_too: bool = False
) -> Found:
    """What satisfies the schema in the text. Raises: NotThis.

    Of several objects the last one counts, which comes after the drafts; where the wanted object is one list, that
    holds the items of all of them. A bare list, or one item of it, counts as this list.
    misfits_too: of a list, leave out items that have not their form, and objects that are cut off, unless none is left.
    """
    bare = spoken(text)
    reasons: list[str] = []
    for part in ("\n".join(_FENCE.findall(bare)), bare):
        found: list[Found] = []
        broken = 0
        for value, outermost in _values(part):
            if value is _BROKEN:
                broken += 1
                continue
            reading = _read(value, schema, may_lack, outermost=outermost, misfits_too=misfits_too)
            if isinstance(reading, Found):
                found.append(reading)
            else:
                reasons.append(reading)
        if found and broken and not misfits_too:
            raise NotThis("a part of it is no complete JSON")
        if found:
            return _together(found, broken)
    raise NotThis(reasons[0] if reasons else "there is no complete JSON in it")


def _read(
    value: Any, schema: Mapping[str, Any], may_lack: Set[str], *, outermost: bool, misfits_too: bool
) -> Found | str:
    """The value in its form; else what is wrong with it."""
    inner = list(value.values()) if isinstance(value, dict) else []
    if outermost:
        value = listed(value, schema, may_lack)
    value = fitted(value, schema, may_lack)
    reason, misfits = fault(value, schema), 0
    if reason is None:
        return Found(_whole(value))
    if misfits_too:
        value, misfits = without_misfits(value, schema)
        if misfits and any(value.values()) and fault(value, schema) is None:
            return Found(_whole(value), misfits)
    if len(inner) == 1 and isinstance(inner[0], dict):
        found = _read(inner[0], schema, may_lack, outermost=outermost, misfits_too=misfits_too)
        return found if isinstance(found, Found) else reason
    return reason


def _together(found: list[Found], broken: int) -> Found:
    """broken: objects that could not be read."""
    value = found[-1].value
    if len(value) == 1 and all(isinstance(items, list) for one in found for items in one.value.values()):
        (name,) = value
        items: list[Any] = []
        for one in found:
            items += [item for item in one.value.get(name, ()) if item not in items]
        return Found({name: items}, broken + sum(one.misfits for one in found))
    return found[-1]


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Every JSON object or list that begins somewhere in the text, _BROKEN for what begins as an object and is none;
    and whether nothing that failed stands before it, which it might be a part of."""
    position, outermost, failed = 0, True, 0
    while failed < _MOST_FAILED:
        start = _START.search(text, position)
        if start is None:
            break
        try:
            value, position = _decoded(text, start.start())
        except (ValueError, RecursionError):
            if outermost and _OBJECT.match(text, start.start()):
                yield _BROKEN, True
            position, outermost, failed = start.end(), False, failed + 1
            continue
        yield value, outermost


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError:
        return decoded(text, start)


def _whole(value: Any) -> Any:
    """The value without halves of surrogate pairs, which no store and no wire carries."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return value

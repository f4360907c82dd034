"""A value brought into the form that was asked for, where a model only spelt it otherwise. Nothing is made up.

Letter case and underscores of keys, a number in quotation marks, one thing where a list of things was asked for, a
thing described by an object where its name was asked for. What a question allows to be left out is empty then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from agent_memory_server.adapters.providers.chat.schema import fault

_NO_LETTER = re.compile(r"[^a-z0-9]")
_NAMES = ("name", "text", "value", "label", "topic", "entity")


def fitted(value: Any, schema: Mapping[str, Any], may_lack: Set[str]) -> Any:
    """The value in the form of the schema, as far as it can be brought into it; what cannot is left as it is.

    may_lack: names of members that may be missing or null: they are the empty text or list then, or, of those that are
    one of several words, the first one.
    """
    kind = schema.get("type")
    if kind == "object":
        return _object(value, schema, may_lack) if isinstance(value, dict) else value
    if kind == "array":
        return _list(value, schema, may_lack)
    if kind == "string":
        return _text(value, schema)
    if kind == "integer":
        return _integer(value)
    return value


def listed(value: Any, schema: Mapping[str, Any], may_lack: Set[str]) -> Any:
    """Where the schema is an object of one list: such an object, made of a list, of a list under another name, or of
    one item."""
    properties = schema.get("properties", {})
    if len(properties) != 1:
        return value
    (name, part), *_ = properties.items()
    if part.get("type") != "array":
        return value
    if isinstance(value, list):
        return {name: value}
    if isinstance(value, dict) and name not in {_plain(key, properties) for key in value}:
        lists = [member for member in value.values() if isinstance(member, list)]
        if len(value) == len(lists) == 1 and lists[0]:
            return {name: lists[0]}
        if (
            part["items"].get("type") == "object"
            and fault(fitted(value, part["items"], may_lack), part["items"]) is None
        ):
            return {name: [value]}
    return value


def without_misfits(value: Any, schema: Mapping[str, Any]) -> tuple[Any, int]:
    """An object of one list without the items that have not their form, and how many these were."""
    properties = schema.get("properties", {})
    if not isinstance(value, dict) or len(properties) != 1:
        return value, 0
    (name, part), *_ = properties.items()
    items = value.get(name)
    if part.get("type") != "array" or not isinstance(items, list):
        return value, 0
    kept = [item for item in items if fault(item, part["items"]) is None]
    return {**value, name: kept}, len(items) - len(kept)


def _object(value: dict[str, Any], schema: Mapping[str, Any], may_lack: Set[str]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    found: dict[str, Any] = {}
    for key, member in value.items():
        name = _plain(key, properties)
        if name == key or name not in value:
            found[name] = fitted(member, properties[name], may_lack) if name in properties else member
    for name in may_lack & properties.keys():
        if found.get(name) is None or not _is_word(found[name], properties[name]):
            found[name] = _empty(properties[name])
    return found


def _plain(key: str, properties: Mapping[str, Any]) -> str:
    """The property that a key spells."""
    if key in properties:
        return key
    bare = _NO_LETTER.sub("", key.lower())
    return next((name for name in properties if _NO_LETTER.sub("", name.lower()) == bare), key)


def _is_word(value: Any, schema: Mapping[str, Any]) -> bool:
    return "enum" not in schema or value in schema["enum"]


def _empty(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    return [] if schema.get("type") == "array" else ""


def _list(value: Any, schema: Mapping[str, Any], may_lack: Set[str]) -> Any:
    items = schema.get("items", {})
    if isinstance(value, str) and items.get("type") == "string":
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, dict) and items.get("type") == "object":
        value = [value]
    return [fitted(item, items, may_lack) for item in value] if isinstance(value, list) else value


def _text(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        texts = [member for member in value.values() if isinstance(member, str)]
        named = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
        value = named if named is not None else texts[0] if len(texts) == 1 else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and "enum" in schema:
        bare = value.strip().lower()
        return next((word for word in schema["enum"] if str(word).lower() == bare), value)
    return value


def _integer(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\s*#?\d{1,9}\s*", value):
        return int(value.strip().lstrip("#"))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

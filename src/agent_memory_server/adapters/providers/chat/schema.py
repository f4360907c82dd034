"""Whether a parsed answer has the form that was asked for: the part of JSON Schema that our questions use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fault(value: object, schema: Mapping[str, Any], at: str = "the answer") -> str | None:
    """What is wrong with the value, as a sentence that names the place and quotes nothing; None when nothing is.

    Known: type (one or several), enum, properties, required, items, maxItems. Further members of an object are no
    fault.
    """
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if names and not any(_is(value, name) for name in names):
        return f"{at} must be {' or '.join(names)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} must be one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, dict):
        return _object_fault(value, schema, at)
    if isinstance(value, list):
        return _list_fault(value, schema, at)
    return None


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether every object in it requires all of its members and allows no others: what strict enforcement asks."""
    properties = schema.get("properties")
    if properties is not None:
        closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
        if not closed or not all(map(is_strict, properties.values())):
            return False
    elif schema.get("type") == "object":
        return False
    items = schema.get("items")
    return items is None or is_strict(items)


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):  # in Python a kind of integer
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _object_fault(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> str | None:
    for name in schema.get("required", ()):
        if name not in value:
            return f"{at} lacks the member {name!r}"
    for name, part in schema.get("properties", {}).items():
        if name in value and (found := fault(value[name], part, f"{at}, {name}")):
            return found
    return None


def _list_fault(value: list[Any], schema: Mapping[str, Any], at: str) -> str | None:
    if len(value) > schema.get("maxItems", len(value)):
        return f"{at} must have at most {schema['maxItems']} items"
    items = schema.get("items")
    if items is None:
        return None
    return next((found for n, item in enumerate(value) if (found := fault(item, items, f"{at}, item {n}"))), None)

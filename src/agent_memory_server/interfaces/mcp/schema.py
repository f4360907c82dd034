"""Short spellings of JSON Schema for the catalogue of tools.

Schemas are written for models that read them on every turn: no `$ref` (several clients turn one into a plain string),
no default that is null, and the members of a filter are explained once instead of being repeated for each field.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]


def _schema(kind: str | list[str], description: str | None, **keywords: Any) -> Schema:
    described = {"description": description} if description else {}
    return {"type": kind, **described, **{name: value for name, value in keywords.items() if value is not None}}


def text(description: str | None = None) -> Schema:
    """A string."""
    return _schema("string", description)


def optional(kind: str, description: str | None = None, **keywords: Any) -> Schema:
    """A value that may be null, which means that it is not given."""
    return _schema([kind, "null"], description, **keywords)


def words(*values: str, default: str | None = None, nullable: bool = False) -> Schema:
    """One of some words."""
    if nullable:
        return {"type": ["string", "null"], "enum": [*values, None]}
    return _schema("string", None, enum=list(values), default=default)


def flag(*, default: bool, description: str | None = None) -> Schema:
    """true or false."""
    return _schema("boolean", description, default=default)


def integer(default: int | None = None, description: str | None = None, **keywords: Any) -> Schema:
    """A whole number."""
    return _schema("integer", description, default=default, **keywords)


def texts(description: str | None = None, *, nullable: bool = False) -> Schema:
    """A list of strings."""
    return _schema(["array", "null"] if nullable else "array", description, items={"type": "string"})


def objects(members: Schema, required: list[str], description: str | None = None, *, nullable: bool = False) -> Schema:
    """A list of objects."""
    item = {"type": "object", "properties": members, "required": required}
    return _schema(["array", "null"] if nullable else "array", description, items=item)


def instant(description: str | None = None) -> Schema:
    """A time: ISO 8601, or Unix seconds; null means that it is not given."""
    return _schema(["string", "number", "null"], description)


def text_filter() -> Schema:
    """A filter on text: an object of conditions; a string means `eq`, a list `any`."""
    return _schema(["object", "string", "array", "null"], None, items={"type": "string"})


def time_filter() -> Schema:
    """A filter on a time: an object of conditions."""
    return _schema(["object", "null"], None)


def answer(members: Schema, *required: str) -> Schema:
    """The structured content of an answer."""
    return {"type": "object", "properties": members, "required": list(required)}

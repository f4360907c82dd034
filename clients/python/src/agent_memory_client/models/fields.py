"""The checked field types of requests, and the base classes of all wire models.

A request is checked once, here, so that whatever follows may trust it. Responses use the plain types and
pay for none of this.
"""

from __future__ import annotations

import math
import operator
import re
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from ulid import ULID

from agent_memory_client.models.limits import (
    MAX_ID_CHARS,
    MAX_INT,
    MAX_JSON_DEPTH,
    MAX_LABEL_CHARS,
    MAX_LABELS,
    MAX_MODEL_NAME_CHARS,
    MAX_QUERY_CHARS,
    MAX_ROLE_CHARS,
    MAX_SOURCES,
    MAX_TEXT_CHARS,
    MAX_TTL_SECONDS,
)

_NUMERIC_TEXT = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


class WireModel(BaseModel):
    """Base of every wire model: numbers given for times are Unix seconds; unknown members are ignored."""

    model_config = ConfigDict(val_temporal_unit="seconds", serialize_by_alias=True, validate_by_name=True)


class StrictRequest(WireModel):
    """A request in which an unknown member is an error, so that a misspelt one cannot pass unnoticed."""

    model_config = ConfigDict(extra="forbid")


absent = partial(operator.is_, None)
"""For `exclude_if` of the fields that the format of the reference server does not have: they are left out when null."""


def new_id() -> str:
    """A fresh ULID: 26 characters, upper case, in order of time."""
    return str(ULID())


def utc_now() -> datetime:
    """The time now, with zone UTC."""
    return datetime.now(timezone.utc)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _name(info: ValidationInfo) -> str:
    return info.field_name or "the value"


def _refuse_unstorable(text: str, name: str) -> None:
    if "\0" in text:
        raise ValueError(f"{name} holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name} holds a lone surrogate") from None


def _clean(value: object, info: ValidationInfo) -> object:
    """Refuse text that engines and JSON cannot carry. Runs before the type check, which would word it worse."""
    if isinstance(value, str):
        _refuse_unstorable(value, _name(info))
    return value


def _readable(value: object) -> object:
    """A question is not stored: what engines and JSON cannot carry separates words in it, and is no reason to fail."""
    return _UNSTORABLE.sub(" ", value) if isinstance(value, str) else value


def _refuse_numeric_text(value: object, info: ValidationInfo) -> object:
    # Text of digits alone would be read as Unix seconds: "2024" and "20240101" would become days in 1970.
    if isinstance(value, str) and _NUMERIC_TEXT.fullmatch(value):
        raise ValueError(
            f"{_name(info)} is a number written as text: write ISO 8601 (2026-01-31T12:00:00Z), "
            "or Unix seconds as a number"
        )
    return value


def _to_utc(value: datetime, info: ValidationInfo) -> datetime:
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    else:
        try:
            value = value.astimezone(timezone.utc)
        except OverflowError:
            raise ValueError(f"{_name(info)} lies outside the years 1 to 9999 (UTC)") from None
    # As a float of Unix seconds, a fraction in the last second of 9999 may round up to the year 10000.
    return value.replace(microsecond=0) if value > _LAST_SECOND else value


def _labels(values: list[str], info: ValidationInfo) -> list[str]:
    """Labels without outer spaces; refuses blank ones and ones with a comma."""
    stripped = [value.strip() for value in values]
    for index, value in enumerate(stripped):
        if not value:
            raise ValueError(f"{_name(info)}[{index}] is blank")
    return _without_commas(stripped, info)


def _without_commas(values: list[str], info: ValidationInfo) -> list[str]:
    for index, value in enumerate(values):
        if "," in value:
            raise ValueError(
                f"{_name(info)}[{index}] contains a comma: {value!r}. Lists are stored joined by commas; "
                "give the parts as items of their own."
            )
    return values


def _check_json(value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Refuse what JSON and the engines cannot hold, at any depth; the walk is bounded by the depth, not the stack."""
    name = _name(info)
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for node in level for child in _children(node, name)]
        if not level:
            return value
    raise ValueError(f"{name} is nested more than {MAX_JSON_DEPTH} levels deep")


def _children(node: Any, name: str) -> list[Any]:
    if isinstance(node, dict):
        for key in node:
            if not isinstance(key, str):
                # Not a TypeError: pydantic reports a ValueError and lets a TypeError through.
                raise ValueError(f"{name} holds a key that is not text: {key!r}")
            _refuse_unstorable(key, name)
        return list(node.values())
    if isinstance(node, list | tuple):
        return list(node)
    _check_leaf(node, name)
    return []


def _check_leaf(leaf: Any, name: str) -> None:
    if isinstance(leaf, str):
        _refuse_unstorable(leaf, name)
    elif isinstance(leaf, float):
        if not math.isfinite(leaf):
            raise ValueError(f"{name} holds {leaf}, which is not a JSON number")
    elif isinstance(leaf, int):
        if not -MAX_INT <= leaf <= MAX_INT:
            raise ValueError(f"{name} holds an integer of more than 64 bits")
    elif leaf is not None:
        raise ValueError(f"{name} holds a {type(leaf).__name__}, which is not a JSON value")


Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS), BeforeValidator(_clean)]
"""1 … 512 characters."""

ScopeValue: TypeAlias = Annotated[str, Field(max_length=MAX_ID_CHARS), BeforeValidator(_clean)]
"""A namespace, user id or session id: exact and case-sensitive; the empty string means none."""

Name: TypeAlias = Annotated[str, Field(max_length=MAX_ID_CHARS), BeforeValidator(_clean)]
"""A short text without a meaning of its own to the format: a strategy's name, a hash, a title."""

ModelName: TypeAlias = Annotated[str, Field(max_length=MAX_MODEL_NAME_CHARS), BeforeValidator(_clean)]
"""Any model name; one without a known context size gets the server's default size."""

Role: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ROLE_CHARS), BeforeValidator(_clean)]

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS), BeforeValidator(_clean)]
LongText: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT_CHARS), BeforeValidator(_clean)]
"""Like Text, and may be empty."""

QueryText: TypeAlias = Annotated[str, Field(max_length=MAX_QUERY_CHARS), BeforeValidator(_readable)]
"""What is searched for. Nothing in it is refused: a NUL character or a lone surrogate is read as a space."""

Instructions: TypeAlias = Annotated[str, Field(max_length=MAX_QUERY_CHARS), BeforeValidator(_clean)]
"""What a model is asked to do."""

UtcDatetime: TypeAlias = Annotated[datetime, AfterValidator(_to_utc), BeforeValidator(_refuse_numeric_text)]
"""ISO 8601 with Z, with an offset or naive (read as UTC), a date alone (its first instant in UTC), or Unix seconds as
a number. The value has the zone UTC."""

Flag: TypeAlias = Annotated[bool, Field(strict=True)]
"""true or false; not 1, not "true"."""

Int: TypeAlias = Annotated[int, Field(strict=True, ge=-MAX_INT, le=MAX_INT)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=MAX_INT)]
Ttl: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS)]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""Any finite number; not a bool, not text."""

_Label: TypeAlias = Annotated[str, Field(max_length=MAX_LABEL_CHARS), BeforeValidator(_clean)]
Labels: TypeAlias = Annotated[list[_Label], Field(max_length=MAX_LABELS), AfterValidator(_labels)]
"""Topics or entities: each 1 … 512 characters after outer spaces are cut, without commas."""

Sources: TypeAlias = Annotated[list[Id], Field(max_length=MAX_SOURCES), AfterValidator(_without_commas)]
"""Ids of the messages a memory was extracted from, without commas."""

JsonObject: TypeAlias = Annotated[dict[str, Any], AfterValidator(_check_json)]
"""A JSON object: finite numbers, 64-bit integers, clean text, at most 64 levels."""

"""Filters over long-term records. All members that are given must hold; several filters must hold together.

Comparison is exact and case-sensitive. The empty string as a value means "the record has none": `{"eq": ""}` finds
the records whose field is empty. In place of a filter object, a string means `eq` and a list of strings `any`.
`null` members count as not given; a filter without any usable member is an error, and so is an unknown member.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field, model_validator
from typing_extensions import Self

from agent_memory_client.models.enums import Inclusive, MemoryTypeEnum
from agent_memory_client.models.fields import ScopeValue, StrictRequest, UtcDatetime
from agent_memory_client.models.limits import MAX_LABELS

_Values: TypeAlias = Annotated[list[ScopeValue], Field(max_length=MAX_LABELS)]
_Types: TypeAlias = Annotated[list[MemoryTypeEnum], Field(max_length=MAX_LABELS)]

_IGNORED = frozenset({"field", "enum_class"})
"""Members that clients of the reference server may send. A filter's field is given by its place."""


class _Filter(StrictRequest):
    _lists: ClassVar[tuple[str, ...]] = ()
    """members that must not be empty lists"""
    _contradictions: ClassVar[tuple[tuple[str, str], ...]] = ()
    """pairs of members that must not be given together"""
    _modifiers: ClassVar[frozenset[str]] = frozenset()
    """members that mean nothing alone"""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        members = {name: member for name, member in value.items() if name not in _IGNORED}
        if "in" in members and "in_" not in members and "in_" in cls.model_fields:
            members["in_"] = members.pop("in")
        return members

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {name for name, member in self if member is not None}
        if not given - self._modifiers:
            usable = ", ".join(name for name in type(self).model_fields if name not in self._modifiers)
            raise ValueError(f"the filter has no condition: give one of {usable}")
        for one, other in self._contradictions:
            if one in given and other in given:
                raise ValueError(f"{one} and {other} cannot both be set")
        for name in self._lists:
            if getattr(self, name) == []:
                raise ValueError(f"{name} cannot be an empty list")
        return self


def _pairs(one: str, *others: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, other) for other in others)


def _shorthand(value: Any) -> Any:
    if isinstance(value, str):
        return {"eq": value}
    return {"any": value} if isinstance(value, list) else value


class TagFilter(_Filter):
    """A filter on a field that holds text: one value, or several as in topics and entities.

    eq: it is (one of them is) the value. ne, not_eq: not so. any, in_ (also written `in`): one of the values.
    all: every one of the values. none, not_in: none of the values. startswith: begins with this, literally.
    Negative members also hold for records without a value.
    """

    eq: ScopeValue | None = None
    ne: ScopeValue | None = None
    any: _Values | None = None
    all: _Values | None = None
    startswith: ScopeValue | None = None
    in_: _Values | None = None
    not_eq: ScopeValue | None = None
    not_in: _Values | None = None
    none: _Values | None = None

    _lists: ClassVar[tuple[str, ...]] = ("any", "all", "in_", "not_in", "none")
    _contradictions: ClassVar[tuple[tuple[str, str], ...]] = (
        ("eq", "ne"),
        ("any", "all"),
        *_pairs("startswith", "eq", "ne", "any", "all"),
    )

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, value: Any) -> Any:
        return _shorthand(value)

    @model_validator(mode="after")
    def _check_prefix(self) -> Self:
        if self.startswith == "":
            raise ValueError("startswith cannot be an empty string")
        return self


class SessionId(TagFilter):
    """By session."""


class Namespace(TagFilter):
    """By namespace."""


class UserId(TagFilter):
    """By user."""


class Topics(TagFilter):
    """By topics."""


class Entities(TagFilter):
    """By entities."""


class ExtractionStrategy(TagFilter):
    """By the name of the strategy that extracted the record."""


class MemoryType(_Filter):
    """By type. Members as in TagFilter; the values are the three types."""

    eq: MemoryTypeEnum | None = None
    ne: MemoryTypeEnum | None = None
    any: _Types | None = None
    all: _Types | None = None
    in_: _Types | None = None
    not_eq: MemoryTypeEnum | None = None
    not_in: _Types | None = None

    _lists: ClassVar[tuple[str, ...]] = ("any", "all", "in_", "not_in")
    _contradictions: ClassVar[tuple[tuple[str, str], ...]] = (("eq", "ne"), ("any", "all"))

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, value: Any) -> Any:
        return _shorthand(value)


class TimeFilter(_Filter):
    """A filter on a time. A record without the time matches only `ne`.

    between: two times; `inclusive` tells which of them belong to the range.
    """

    gt: UtcDatetime | None = None
    lt: UtcDatetime | None = None
    gte: UtcDatetime | None = None
    lte: UtcDatetime | None = None
    eq: UtcDatetime | None = None
    ne: UtcDatetime | None = None
    between: list[UtcDatetime] | None = None
    inclusive: Inclusive = "both"

    _contradictions: ClassVar[tuple[tuple[str, str], ...]] = _pairs("between", "eq", "ne", "gt", "lt", "gte")
    _modifiers: ClassVar[frozenset[str]] = frozenset({"inclusive"})

    @model_validator(mode="after")
    def _check_between(self) -> Self:
        if self.between is not None and len(self.between) != 2:
            raise ValueError("between must be a list of two datetimes")
        return self


class CreatedAt(TimeFilter):
    """By the time a record was created."""


class LastAccessed(TimeFilter):
    """By the time a record was last found."""


class EventDate(TimeFilter):
    """By the time of what a record tells."""

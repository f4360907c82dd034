"""Filters over memories: a flat conjunction of conditions, and `matches`, which says what they mean.

Every engine compiles the same tree; `matches` is the oracle that the compilers are tested against.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from agent_memory_server.domain.memory import Memory


class TextField(StrEnum):
    """Fields with one value; "" where a record has none."""

    NAMESPACE = "namespace"
    USER_ID = "user_id"
    SESSION_ID = "session_id"
    MEMORY_TYPE = "memory_type"
    EXTRACTION_STRATEGY = "extraction_strategy"
    ID = "id"
    SUPERSEDED_BY = "superseded_by"
    MEMORY_HASH = "memory_hash"


class TagField(StrEnum):
    """Fields with any number of values."""

    TOPICS = "topics"
    ENTITIES = "entities"


class TimeField(StrEnum):
    """Fields with a time, in Unix seconds. `event_date` may be absent."""

    CREATED_AT = "created_at"
    LAST_ACCESSED = "last_accessed"
    EVENT_DATE = "event_date"


class Op(StrEnum):
    """How a condition's values are compared with a record's values. Comparison is exact and case-sensitive."""

    ANY = "any"
    """some value of the record is in `values`; "" in `values` also matches a record without any value"""
    ALL = "all"
    """every one of `values` is a value of the record ("" asks for a record without any value)"""
    NONE = "none"
    """the opposite of ANY: also true for a record without any value, unless "" is in `values`"""
    PREFIX = "prefix"
    """some value of the record begins with one of `values`, literally"""


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a text or tag field. `values` is never empty."""

    field: TextField | TagField
    op: Op
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """`low` ≤ time ≤ `high`, each bound optional; an exclusive bound is not part of the range.

    A record without the time never lies in a range.
    """

    field: TimeField
    low: float | None = None
    high: float | None = None
    low_inclusive: bool = True
    high_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class TimeNot:
    """The time is not `value`; true for a record without the time."""

    field: TimeField
    value: float


@dataclass(frozen=True, slots=True)
class ValidAt:
    """The record was current at this time (Unix seconds). Of use in a filter with `past`, as it asks for the past."""

    time: float


Condition = Match | TimeRange | TimeNot | ValidAt


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions must hold; no condition matches every current record.

    past: superseded records and earlier versions are looked at too.
    """

    conditions: tuple[Condition, ...] = ()
    past: bool = False

    def also(self, *conditions: Condition) -> Filter:
        """This filter, narrowed by further conditions."""
        return Filter(self.conditions + conditions, self.past)


EVERYTHING = Filter()
"""Every current record."""

PAST_TOO = Filter(past=True)
"""Every record, superseded ones and earlier versions included."""


def only(field: TextField | TagField, *values: str) -> Match:
    """The condition that a record has one of these values."""
    return Match(field, Op.ANY, values)


def _values(memory: Memory, field: TextField | TagField) -> Iterable[str]:
    value = getattr(memory, field.value)
    return value if isinstance(field, TagField) else ((str(value),) if value else ())


def _match(condition: Match, memory: Memory) -> bool:
    have = set(_values(memory, condition.field)) or {""}
    wanted = condition.values
    match condition.op:
        case Op.ANY:
            return any(value in have for value in wanted)
        case Op.ALL:
            return all(value in have for value in wanted)
        case Op.NONE:
            return not any(value in have for value in wanted)
        case Op.PREFIX:
            return any(value.startswith(wanted) for value in have)


def _in_range(condition: TimeRange, time: float | None) -> bool:
    if time is None:
        return False
    low, high = condition.low, condition.high
    if low is not None and (time < low or (time == low and not condition.low_inclusive)):
        return False
    return not (high is not None and (time > high or (time == high and not condition.high_inclusive)))


def _holds(condition: Condition, memory: Memory) -> bool:
    match condition:
        case Match():
            return _match(condition, memory)
        case TimeRange(field=field):
            return _in_range(condition, getattr(memory, field.value))
        case TimeNot(field=field, value=value):
            return bool(getattr(memory, field.value) != value)
        case ValidAt(time=time):
            since = memory.created_at if memory.valid_from is None else memory.valid_from
            return since <= time and (memory.valid_until is None or time < memory.valid_until)


def matches(filter_: Filter, memory: Memory) -> bool:
    """Whether the record satisfies every condition, and is current or the filter looks at the past."""
    return (filter_.past or not memory.superseded_by) and all(
        _holds(condition, memory) for condition in filter_.conditions
    )

"""Filters of a request as conditions. All members that are given must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from agent_memory_client.models import MemoryType as MemoryTypeFilter
from agent_memory_client.models import SearchRequest, TagFilter, TimeFilter
from agent_memory_server.domain.filters import (
    Condition,
    Filter,
    Match,
    Op,
    TagField,
    TextField,
    TimeField,
    TimeNot,
    TimeRange,
    ValidAt,
    only,
)
from agent_memory_server.interfaces.convert.times import unix, unix_or_none

_TEXT_FIELDS: Sequence[TextField | TagField] = (
    TextField.SESSION_ID,
    TextField.NAMESPACE,
    TextField.USER_ID,
    TagField.TOPICS,
    TagField.ENTITIES,
    TextField.MEMORY_TYPE,
    TextField.EXTRACTION_STRATEGY,
)
_OPS = {
    "eq": Op.ANY,
    "any": Op.ANY,
    "in_": Op.ANY,
    "all": Op.ALL,
    "ne": Op.NONE,
    "not_eq": Op.NONE,
    "not_in": Op.NONE,
    "none": Op.NONE,
    "startswith": Op.PREFIX,
}


def text_conditions(field: TextField | TagField, asked: TagFilter | MemoryTypeFilter) -> Iterator[Condition]:
    """What a filter on text asks for."""
    for member, op in _OPS.items():
        value = getattr(asked, member, None)
        if value is not None:
            values = value if isinstance(value, list) else [value]
            yield Match(field, op, tuple(str(one) for one in values))


def time_conditions(field: TimeField, asked: TimeFilter) -> Iterator[Condition]:
    """What a filter on a time asks for."""
    low, high = _bound(asked.gte, asked.gt, max), _bound(asked.lte, asked.lt, min)
    if low is not None or high is not None:
        yield TimeRange(
            field=field,
            low=low,
            high=high,
            low_inclusive=low is None or unix_or_none(asked.gt) != low,
            high_inclusive=high is None or unix_or_none(asked.lt) != high,
        )
    if asked.between is not None:
        yield TimeRange(
            field=field,
            low=unix(asked.between[0]),
            high=unix(asked.between[1]),
            low_inclusive=asked.inclusive in {"both", "left"},
            high_inclusive=asked.inclusive in {"both", "right"},
        )
    if asked.eq is not None:
        yield TimeRange(field=field, low=unix(asked.eq), high=unix(asked.eq))
    if asked.ne is not None:
        yield TimeNot(field, unix(asked.ne))


def _bound(
    inclusive: datetime | None, exclusive: datetime | None, narrower: Callable[[list[float]], float]
) -> float | None:
    given = [unix(time) for time in (inclusive, exclusive) if time is not None]
    return narrower(given) if given else None


def filter_of(request: SearchRequest) -> Filter:
    """All filters of a search, joined."""
    conditions: list[Condition] = []
    for field in _TEXT_FIELDS:
        asked = getattr(request, field.value)
        if asked is not None:
            conditions.extend(text_conditions(field, asked))
    for time_field in TimeField:
        asked = getattr(request, time_field.value)
        if asked is not None:
            conditions.extend(time_conditions(time_field, asked))
    if request.as_of is not None:
        conditions.append(ValidAt(unix(request.as_of)))
    return Filter(tuple(conditions), past=request.include_superseded or request.as_of is not None)


def place_filter(
    *,
    namespace: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    memory_type: str | None = None,
) -> Filter:
    """The filter of query parameters: exact values; None and "" are not given."""
    asked = {
        TextField.NAMESPACE: namespace,
        TextField.USER_ID: user_id,
        TextField.SESSION_ID: session_id,
        TextField.MEMORY_TYPE: memory_type,
    }
    return Filter(tuple(only(field, value) for field, value in asked.items() if value))

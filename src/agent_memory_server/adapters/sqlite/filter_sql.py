"""Filters as SQL over `memories` (alias m), with bound values only; `domain.filters.matches` says what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

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
)

Sql = tuple[str, list[Any]]
"""A condition and its values, in the order of its question marks."""

TAG_KINDS = {TagField.TOPICS: 1, TagField.ENTITIES: 2}
_PLACE = "(SELECT {0} FROM scopes WHERE scope = m.rid >> 24)"
_COLUMNS = {field: f"m.{field.value}" for field in TextField} | {
    TextField.NAMESPACE: _PLACE.format("namespace"),
    TextField.USER_ID: _PLACE.format("user_id"),
}
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_MANY_VALUES = 200
FALSE: Sql = ("0", [])
TRUE: Sql = ("1", [])


def all_of(parts: Sequence[Sql]) -> Sql:
    """The conjunction of conditions; true when there are none."""
    if not parts:
        return TRUE
    return " AND ".join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def _any_of(parts: Sequence[Sql]) -> Sql:
    if not parts:
        return FALSE
    return " OR ".join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def listed(values: Sequence[str]) -> Sql:
    """The right side of IN. A long list is bound as one array: of BLOBs, because text in arrays ends at a NUL."""
    if len(values) <= _MANY_VALUES:
        return f"({','.join('?' * len(values))})", list(values)
    return "(SELECT CAST(value AS TEXT) FROM carray(?))", [apsw.carray(tuple(value.encode() for value in values))]


def _behind(prefix: str) -> str | None:
    """The least text greater than every text that begins with `prefix`, in code point order; None: there is none."""
    while prefix:
        code = ord(prefix[-1])
        if code < _LAST_CHARACTER:
            following = code + 1 if code + 1 not in _SURROGATES else _SURROGATES.stop
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None


def _begins(column: str, prefix: str) -> Sql:
    # A range instead of LIKE or substr(): exact for every character, NUL included, and an index serves it.
    behind = _behind(prefix)
    if behind is None:
        return f"{column} >= ?", [prefix]
    return f"{column} >= ? AND {column} < ?", [prefix, behind]


def text_condition(column: str, op: Op, values: Sequence[str]) -> Sql:
    """`op` on a column that holds exactly one text ("" for none). column: an SQL expression of ours."""
    if op is Op.PREFIX:
        return _any_of([_begins(column, value) for value in values])
    if op is Op.ALL and len(set(values)) > 1:
        return FALSE
    among, bound = listed(values)
    return f"{column} {'NOT IN' if op is Op.NONE else 'IN'} {among}", bound


def _tagged(field: TagField, tag_condition: Sql, within: tuple[int, int] | None) -> Sql:
    """The record has a tag that satisfies the condition; or it has no tag and "" would satisfy it."""
    sql, values = tag_condition
    bounds = "" if within is None else " AND rid BETWEEN ? AND ?"
    return (
        f"m.rid IN (SELECT rid FROM tags WHERE kind = {TAG_KINDS[field]} AND ({sql}){bounds})",
        [*values, *(within or ())],
    )


def _untagged(field: TagField) -> Sql:
    return f"m.{field.value} IS NULL", []


def _tag_condition(field: TagField, op: Op, values: Sequence[str], within: tuple[int, int] | None) -> Sql:
    if op is Op.ALL:
        return all_of([_tag_condition(field, Op.ANY, (value,), within) for value in values])
    positive = Op.PREFIX if op is Op.PREFIX else Op.ANY
    holds = [_tagged(field, text_condition("tag", positive, values), within)]
    if "" in values:
        holds.append(_untagged(field))
    sql, bound = _any_of(holds)
    return (f"NOT ({sql})", bound) if op is Op.NONE else (sql, bound)


def _range_condition(column: str, condition: TimeRange) -> Sql:
    parts: list[Sql] = [(f"{column} IS NOT NULL", [])]
    if condition.low is not None:
        parts.append((f"{column} {'>=' if condition.low_inclusive else '>'} ?", [condition.low]))
    if condition.high is not None:
        parts.append((f"{column} {'<=' if condition.high_inclusive else '<'} ?", [condition.high]))
    return all_of(parts)


def _time_column(field: TimeField, indexed: bool) -> str:
    return f"{'' if indexed else '+'}m.{field.value}"


def _condition(condition: Condition, within: tuple[int, int] | None, time_index: bool) -> Sql:
    match condition:
        case Match(field=TextField.SESSION_ID, op=op, values=values) if op is not Op.NONE and "" not in values:
            # Said aloud, so that SQLite may use the index of the records that have a session.
            return all_of([("m.session_id <> ''", []), text_condition("m.session_id", op, values)])
        case Match(field=TextField() as field, op=op, values=values):
            return text_condition(_COLUMNS[field], op, values)
        case Match(field=TagField() as field, op=op, values=values):
            return _tag_condition(field, op, values, within)
        case TimeRange(field=field):
            return _range_condition(_time_column(field, time_index), condition)
        case TimeNot(field=field, value=value):
            return f"m.{field.value} IS NOT ?", [value]
        case ValidAt(time=time):
            return "coalesce(m.valid_from, m.created_at) <= ? AND ifnull(m.valid_until > ?, 1)", [time, time]
        case Match():  # the type of `field` is one of the two above
            raise AssertionError(condition)


def where(filter_: Filter, *, within: tuple[int, int] | None = None, time_index: bool = True) -> Sql:
    """The filter as a condition on table `memories` (alias m), and its bound values.

    within:     inclusive row ids that the statement is limited to anyway: tags are then read in that range alone.
    time_index: False keeps SQLite from walking an index over everybody's times, where the statement's own range of
                row ids is the shorter walk.
    """
    return all_of([_condition(condition, within, time_index) for condition in filter_.conditions])

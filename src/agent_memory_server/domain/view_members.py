"""Views as plain members that JSON can hold, and back. Every store keeps them like this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

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
)
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.view import View


def view_members(view: View) -> dict[str, Any]:
    """All members of a view."""
    members = {name: getattr(view, name) for name in View.__slots__ if name not in {"filter", "scope"}}
    return members | {"filters": dict(view.filters), "group_by": list(view.group_by), **meaning_members(view)}


def meaning_members(view: View) -> dict[str, Any]:
    """What a view's filters mean, and what its maker may read."""
    parts = {"namespaces": view.scope.namespaces, "users": view.scope.users}
    return {
        "filter": [{"kind": type(one).__name__, **asdict(one)} for one in view.filter.conditions],
        "scope": {name: None if held is None else sorted(held) for name, held in parts.items()},
    }


def view_from(members: Mapping[str, Any]) -> View:
    """The view of `view_members`."""
    changed = {"group_by": tuple(members["group_by"]), **meaning_from(members["filter"], members["scope"])}
    return View(**{**members, **changed})


def meaning_from(conditions: Sequence[Mapping[str, Any]], scope: Mapping[str, Any]) -> dict[str, Any]:
    """`filter` and `scope` of `meaning_members`."""
    held = {name: None if values is None else frozenset(values) for name, values in scope.items()}
    return {"filter": Filter(tuple(map(_condition, conditions))), "scope": Scope(**held)}


def _condition(members: Mapping[str, Any]) -> Condition:
    rest = {name: value for name, value in members.items() if name not in {"kind", "field"}}
    if members["kind"] == Match.__name__:
        tags = {one.value for one in TagField}
        field = TagField(members["field"]) if members["field"] in tags else TextField(members["field"])
        return Match(field, Op(rest["op"]), tuple(rest["values"]))
    time = TimeField(members["field"])
    return TimeNot(time, rest["value"]) if members["kind"] == TimeNot.__name__ else TimeRange(field=time, **rest)

"""Queries for records that are not adopted yet, by the fields that the other server's index tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent_memory_server.adapters.redis.exact import FIELD, WORDED
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.domain.filters import Filter, Match, Op, TextField
from agent_memory_server.domain.scope import Scope

AT_MOST = 100
"""Values of one field in one query."""

_TELLING = (TextField.NAMESPACE, TextField.USER_ID, TextField.SESSION_ID)
_NOT_ADOPTED = f"-@{FIELD}:{{{WORDED}}}"


def narrowed(scope: Scope, filter_: Filter) -> IndexQuery | None:
    """A query by the other server's own fields that finds all unadopted records a request may see, and perhaps more;
    None when its scope and filter name nothing that those fields tell."""
    named: dict[str, Sequence[str]] = {}
    if scope.namespaces is not None:
        named["namespace"] = sorted(scope.namespaces)
    if scope.users is not None:
        named["user_id"] = sorted(scope.users)
    for condition in filter_.conditions:
        if isinstance(condition, Match) and condition.op is Op.ANY and condition.field in _TELLING:
            named[condition.field.value] = condition.values
    usable = {name: values for name, values in named.items() if len(values) <= AT_MOST and all(map(is_plain, values))}
    return among(usable) if usable else None


def is_plain(value: str) -> bool:
    """Whether a tag of the other server's index equals a value as it is, but for case."""
    return bool(value) and value == value.strip() and value.isprintable() and not {",", "|"} & set(value)


def among(named: Mapping[str, Sequence[str]]) -> IndexQuery:
    """Unadopted records that have one of the values, equal but for case, in each of these fields; all for none."""
    params: list[str] = []
    parts = [_NOT_ADOPTED]
    for name, values in named.items():
        places = []
        for value in values:
            place = f"p{len(params) // 2}"
            params += (place, value)
            places.append(f"${place}")
        parts.append(f"@{name}:{{{'|'.join(places)}}}")
    return IndexQuery(" ".join(parts), tuple(params))

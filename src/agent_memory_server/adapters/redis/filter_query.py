"""Filters as queries of the index; `domain.filters.matches` says what they mean.

Values travel as tokens and parameters, never as text of a query. What the index cannot tell is left out and named in
`rest`: the query then finds more, and every record found is to be checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.adapters.redis.exact import CURRENT, FIELD, hash_condition, token
from agent_memory_server.domain.filters import (
    EVERYTHING,
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
from agent_memory_server.domain.scope import Scope


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """text: in the query language, dialect 2; params: values it names; rest: conditions it holds not, or not exactly.

    ids: of the only records there can be, where the filter names them; a key is found without the index.
    """

    text: str
    params: tuple[str | bytes, ...] = ()
    rest: Filter = EVERYTHING
    ids: tuple[str, ...] | None = None

    def arguments(self) -> list[str | bytes]:
        """What follows the query in a command."""
        named: list[str | bytes] = ["PARAMS", str(len(self.params)), *self.params] if self.params else []
        return [*named, "DIALECT", "2"]


class _Compiler:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.params: list[str] = []
        self.rest: list[Condition] = []
        self.ids: tuple[str, ...] | None = None

    def among(self, field: TextField | TagField, values: Sequence[str], *, minus: bool = False) -> None:
        found = "|".join(dict.fromkeys(token(field, value) for value in values))
        self.parts.append(f"{'-' if minus else ''}@{FIELD}:{{{found}}}")

    def between(self, condition: TimeRange) -> None:
        low = self._bound(condition.low, condition.low_inclusive, "-inf")
        high = self._bound(condition.high, condition.high_inclusive, "+inf")
        self.parts.append(f"@{condition.field.value}:[{low} {high}]")

    def unequal(self, condition: TimeNot) -> None:
        value = self._bound(condition.value, True, "")
        self.parts.append(f"-@{condition.field.value}:[{value} {value}]")

    def _bound(self, value: float | None, inclusive: bool, otherwise: str) -> str:
        if value is None:
            return otherwise
        name = f"p{len(self.params) // 2}"
        self.params += (name, repr(float(value)))
        return f"{'' if inclusive else '('}${name}"

    def identical(self, condition: Match) -> None:
        """Of what is different in nearly every record there are no tokens."""
        self.rest.append(condition)
        if condition.op is not Op.ANY:
            return
        if condition.field is TextField.MEMORY_HASH:
            self.parts.append(hash_condition(condition.values))
        else:
            known = condition.values if self.ids is None else self.ids
            self.ids = tuple(id_ for id_ in dict.fromkeys(known) if id_ in condition.values)

    def add(self, condition: Condition) -> None:
        match condition:
            case (
                Match(op=Op.PREFIX)
                | TimeRange(field=TimeField.LAST_ACCESSED)
                | TimeNot(field=TimeField.LAST_ACCESSED)
                | ValidAt()
            ):
                self.rest.append(condition)
            case Match(field=TextField.ID | TextField.MEMORY_HASH):
                self.identical(condition)
            case Match(field=field, op=Op.ALL, values=values):
                for value in dict.fromkeys(values):
                    self.among(field, [value])
            case Match(field=field, op=op, values=values):
                self.among(field, values, minus=op is Op.NONE)
            case TimeRange():
                self.between(condition)
            case TimeNot():
                self.unequal(condition)


def also(query: IndexQuery, condition: str) -> IndexQuery:
    """Those of a query's records that satisfy a further condition, in the query language."""
    return replace(query, text=condition if query.text == "*" else f"{query.text} {condition}")


def compiled(scope: Scope, filter_: Filter) -> IndexQuery | None:
    """The records of a scope that satisfy a filter; None: the scope grants nothing."""
    compiler = _Compiler()
    for field, granted in ((TextField.NAMESPACE, scope.namespaces), (TextField.USER_ID, scope.users)):
        if granted is not None:
            if not granted:
                return None
            compiler.among(field, sorted(granted))
    if not filter_.past:
        compiler.parts.append(f"@{FIELD}:{{{CURRENT}}}")
    for condition in filter_.conditions:
        compiler.add(condition)
    return IndexQuery(
        " ".join(compiler.parts) or "*", tuple(compiler.params), Filter(tuple(compiler.rest)), compiler.ids
    )

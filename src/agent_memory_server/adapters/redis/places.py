"""What one search looks through, before its filter: whole places (namespace, user), current records or the past too."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory_server.adapters.redis.filter_query import IndexQuery, compiled
from agent_memory_server.domain.filters import Condition, Filter, Match, Op, TextField
from agent_memory_server.domain.scope import Scope

_FIELDS = (TextField.NAMESPACE, TextField.USER_ID)


@dataclass(frozen=True, slots=True)
class Places:
    """Places by scope and by the filter's conditions on namespace and user. past: superseded records as well."""

    scope: Scope
    conditions: tuple[Match, ...]
    past: bool

    def hold(self, namespace: str, user_id: str) -> bool:
        """Whether a place is one of them."""
        if not self.scope.allows(namespace, user_id):
            return False
        return all(_holds(one, namespace if one.field is TextField.NAMESPACE else user_id) for one in self.conditions)

    def query(self, rest: Filter) -> IndexQuery | None:
        """Their records that satisfy a filter; None: the scope grants nothing."""
        return compiled(self.scope, Filter((*self.conditions, *rest.conditions), self.past))


def _holds(condition: Match, value: str) -> bool:
    match condition.op:
        case Op.ANY:
            return value in condition.values
        case Op.ALL:
            return all(value == wanted for wanted in condition.values)
        case Op.NONE:
            return value not in condition.values
        case Op.PREFIX:
            return value.startswith(condition.values)


def places(scope: Scope, filter_: Filter) -> tuple[Places, Filter]:
    """The places that scope and filter leave, and the conditions that are left to check in them."""
    decided: list[Match] = []
    rest: list[Condition] = []
    for condition in filter_.conditions:
        if isinstance(condition, Match) and condition.field in _FIELDS:
            decided.append(condition)
        else:
            rest.append(condition)
    return Places(scope, tuple(decided), filter_.past), Filter(tuple(rest), filter_.past)

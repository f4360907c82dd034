"""Who calls a tool, and the place that is meant where the call names none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent_memory_server.domain.principal import LOCAL, Principal
from agent_memory_server.domain.scope import Scope

_CREATES = "create_long_term_memories"
_PLACE = frozenset({"namespace", "user_id"})
_NAMED_BY_ID = frozenset({"get_long_term_memory", "edit_long_term_memory", "delete_long_term_memories"})
"""Tools whose ids say which memory is meant. The place parameters of an edit are new values, not a place to look in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Bound to one request or connection, never to the process.

    namespace, user_id: defaults of the parameters with these names. bound: the namespace comes from the address that
    the client was given, so that memories named by id are looked for in it alone.
    """

    principal: Principal = LOCAL
    namespace: str | None = None
    user_id: str | None = None
    bound: bool = False

    def placed(self, tool: str, parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, with the defaults where a parameter exists and was not given (left out, null or "").

        Memories to create have a place each.
        """
        if tool in _NAMED_BY_ID:
            return dict(arguments)
        memories = arguments.get("memories")
        if tool == _CREATES and isinstance(memories, list):
            each = [self._filled(memory, _PLACE) if isinstance(memory, dict) else memory for memory in memories]
            return {**arguments, "memories": each}
        return self._filled(arguments, _PLACE & parameters.keys())

    def _filled(self, given: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        filled = dict(given)
        for name, value in (("namespace", self.namespace), ("user_id", self.user_id)):
            if value and name in names and filled.get(name) in (None, ""):
                filled[name] = value
        return filled

    def acting(self, tool: str) -> Principal:
        """The principal for a call of this tool: never wider than the caller's own."""
        if not (self.bound and self.namespace and tool in _NAMED_BY_ID):
            return self.principal
        narrower = self.principal.scope.intersect(Scope(namespaces=frozenset({self.namespace})))
        return replace(self.principal, scope=narrower)

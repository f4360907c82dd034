"""principal × scope × action → allowed, narrowed, or Forbidden. Pure: every decision about rights is made here."""

from __future__ import annotations

from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.scope import Scope


def require(principal: Principal, action: Action) -> Scope:
    """The scope within which the principal may do this. Raises: Forbidden, when the action is not granted."""
    if action not in principal.actions:
        raise Forbidden(f"this credential does not grant '{action.value}'")
    return principal.scope


def _placed(asked: str, granted: frozenset[str] | None, name: str) -> str:
    if granted is None or asked in granted:
        return asked
    if not asked and len(granted) == 1:
        return next(iter(granted))
    if not asked:
        raise Forbidden(f"this credential is limited to certain values of {name}: name one")
    raise Forbidden(f"this credential does not grant {name} {asked!r}")


def place(principal: Principal, action: Action, namespace: str, user_id: str) -> tuple[str, str]:
    """The (namespace, user) that a write goes to.

    What the request leaves out ("") is filled in when the credential grants exactly one value.
    Raises: Forbidden, when the action or the place is not granted; nothing ever widens what was granted.
    """
    scope = require(principal, action)
    return _placed(namespace, scope.namespaces, "namespace"), _placed(user_id, scope.users, "user_id")

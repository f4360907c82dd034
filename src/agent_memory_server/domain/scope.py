"""Whose memories a call may touch: namespaces and users, exact strings, never widened."""

from __future__ import annotations

from dataclasses import dataclass


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return other
    return one if other is None else one & other


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces and users that a call may see.

    namespaces, users: exact, case-sensitive values; None means every one. The empty string stands for
    records without a namespace (or user): it is a value like any other and must be granted by name.
    """

    namespaces: frozenset[str] | None = None
    users: frozenset[str] | None = None

    def allows(self, namespace: str, user_id: str) -> bool:
        """Whether a record or session of this namespace and user lies inside."""
        return (self.namespaces is None or namespace in self.namespaces) and (
            self.users is None or user_id in self.users
        )

    def intersect(self, other: Scope) -> Scope:
        """What both allow: never wider than either."""
        return Scope(_both(self.namespaces, other.namespaces), _both(self.users, other.users))


EVERYWHERE = Scope()
"""Every namespace and user: for the system's own upkeep and for credentials without limits."""

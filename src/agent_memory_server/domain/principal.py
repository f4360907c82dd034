"""Who is asking, and what they were granted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent_memory_server.domain.scope import EVERYWHERE, Scope


class Action(StrEnum):
    """What a request does. `admin` covers tokens, index rebuilds and other upkeep; it implies nothing else."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


ALL_ACTIONS = frozenset(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller after authentication: subject (for logs), scope and allowed actions."""

    subject: str
    scope: Scope
    actions: frozenset[Action]


LOCAL = Principal(subject="local-dev-user", scope=EVERYWHERE, actions=ALL_ACTIONS)
"""The caller when authentication is disabled."""

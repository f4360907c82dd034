"""Who speaks in a conversation, told to a model so that it can put names in place of pronouns."""

from __future__ import annotations

from agent_memory_server.domain.session import Session
from agent_memory_server.operations.reading import NO_TURNS, NOT_SPEAKERS

USERS = frozenset({"user", "human"})
"""Roles that say no more of a person than that it is the application's user."""

_LONGEST_NAME = 80


def named_speakers(session: Session) -> tuple[str, ...]:
    """The roles that are names, of everybody who spoke in the session so far, folded messages included; bounded."""
    named = (role for role in session.speakers if role.lower() not in USERS | NOT_SPEAKERS)
    return tuple(role[:_LONGEST_NAME] for role in named)


def participants(session: Session) -> list[dict[str, str]]:
    """Everybody who spoke, bounded: `name`, `is`, and of the user the `id`. None where no role is a name: then there
    are the user and the application alone, and every prompt says so already."""
    if not named_speakers(session):
        return []
    return [told for role in session.speakers if (told := _told(role, session.key.user_id))]


def _told(role: str, user_id: str) -> dict[str, str] | None:
    if role.lower() in NO_TURNS:
        return None
    if role.lower() in USERS:
        return {"name": "User", "is": "the user"} | ({"id": user_id[:_LONGEST_NAME]} if user_id else {})
    what = "the application" if role.lower() in NOT_SPEAKERS else "a person or another agent"
    return {"name": role[:_LONGEST_NAME], "is": what}

"""What was decided about memories in the background, and why."""

from __future__ import annotations

from typing import Literal, TypeAlias

from agent_memory_client.models.fields import WireModel

DecisionKind: TypeAlias = Literal["merge", "supersede", "label", "extraction"]
"""What was decided about: whether two memories become one; whether a newer one takes the place of one that it
contradicts; topics and entities; a memory out of a conversation."""

DecisionOutcome: TypeAlias = Literal["done", "refused"]
"""refused: nothing was changed, though rules or a model proposed it."""


class DecisionRecord(WireModel):
    """One decision; ids and a reason, no texts.

    at: ISO 8601 in UTC. reason: a code. decided_by: a model's name, or `rules`. memory_ids: the memories it is about;
    into: of what was done, the id of the memory that stays. message_ids: of a memory out of a conversation, the message
    that it was said to come from. count: how many such proposals there were at once.
    """

    id: str
    at: str
    kind: DecisionKind
    outcome: DecisionOutcome
    reason: str
    decided_by: str
    namespace: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    memory_ids: list[str]
    message_ids: list[str]
    into: str | None = None
    count: int


class DecisionCount(WireModel):
    """How many decisions of one kind, outcome and reason there are."""

    kind: DecisionKind
    outcome: DecisionOutcome
    reason: str
    count: int


class DecisionListResponse(WireModel):
    """Decisions, newest first. next_cursor: null on the last page. counts: of all that were asked for, on request."""

    decisions: list[DecisionRecord]
    counts: list[DecisionCount] | None = None
    next_cursor: str | None = None

"""What was decided about memories, and why: what was merged or superseded, and what a model proposed in vain.

Ids and reasons, no texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent_memory_server.domain.scope import Scope


class Kind(StrEnum):
    """What was decided about."""

    MERGE = "merge"
    """whether two memories become one"""
    SUPERSEDE = "supersede"
    """whether a newer memory takes the place of one that it contradicts"""
    LABEL = "label"
    """the topics and entities of a memory"""
    EXTRACTION = "extraction"
    """a memory out of a conversation"""


class Outcome(StrEnum):
    """done: it was carried out; refused: nothing was changed by it."""

    DONE = "done"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why."""

    SAME = "same"
    """both say the same"""
    CONTRADICTED = "contradicted"
    """the newer one says otherwise"""

    PINNED = "pinned"
    """a pinned memory is neither superseded nor changed"""
    METADATA = "metadata_differs"
    """both have a member of metadata with different values"""
    EVENT_DATES = "event_dates_differ"
    """both tell of an event, at different times"""
    NOT_NEWER = "neither_is_newer"
    """both tell of the same time"""
    EMPTY_TEXT = "text_empty_or_too_long"
    """there is no text, or more than memories may have"""
    EXACT_LOST = "number_name_or_date_lost"
    """the merged text lacks a number, name, date or sign of one of the two"""
    WORDS_LOST = "words_lost"
    """the merged text lacks a third or more of what one of the two says"""
    WORDS_ADDED = "words_added"
    """the merged text says what neither says"""
    DENIAL = "negation_differs"
    """one denies something that the other, or the merged text, does not"""
    ABOUT = "time_or_person_differs"
    """one tells of what was, will or may be, or of somebody else"""
    MOVED = "given_to_something_else"
    """a number or a negation stands before another word"""
    ORDER = "order_differs"
    """names and numbers stand in another order"""

    NOT_IN_TEXT = "entity_not_in_text"
    """the text does not name the entity"""

    NO_MESSAGE = "no_such_message"
    """it names no message that was asked about"""
    NO_QUOTATION = "quotation_not_in_message"
    """its quotation is not in the message"""
    UNKNOWN_NAME = "name_not_in_conversation"
    """it names what the conversation does not"""
    UNKNOWN_NUMBER = "number_not_in_conversation"
    """it tells a number that the conversation does not"""
    OWN_WORDING = "wording_not_of_message"
    """its wording is not the message's"""
    UNSAFE = "unsafe"
    """it holds instructions, code or a secret"""
    FORM = "wrong_form"
    """it has not the form that was asked for"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    at:          Unix seconds.
    by:          the model's name, or `rules`.
    memory_ids:  the memories it is about. into: the id of the one that stays, of what was done.
    message_ids: of a memory out of a conversation, the message it was said to come from.
    count:       how many such proposals there were at once.
    id:          given by the log, "" before.
    """

    at: float
    kind: Kind
    outcome: Outcome
    reason: Reason
    by: str
    namespace: str = ""
    user_id: str = ""
    session_id: str = ""
    memory_ids: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    into: str = ""
    count: int = 1
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """Which decisions are asked for; None: any. memory_id: one of those it is about, or the one that stays."""

    kind: Kind | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    memory_id: str | None = None
    session_id: str | None = None
    namespace: str | None = None
    user_id: str | None = None


def matches(decision: Decision, scope: Scope, wanted: DecisionFilter) -> bool:
    """Whether a decision is in the scope and asked for: what every engine's own way must agree with."""
    return scope.allows(decision.namespace, decision.user_id) and all(
        asked is None or asked in found
        for asked, found in (
            (wanted.kind, (decision.kind,)),
            (wanted.outcome, (decision.outcome,)),
            (wanted.reason, (decision.reason,)),
            (wanted.memory_id, (*decision.memory_ids, decision.into)),
            (wanted.session_id, (decision.session_id,)),
            (wanted.namespace, (decision.namespace,)),
            (wanted.user_id, (decision.user_id,)),
        )
    )

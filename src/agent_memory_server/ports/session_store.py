"""Durable sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.ports.memory_store import MemoryWrite, PutResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A page of session keys; `total` counts all that match."""

    keys: tuple[SessionKey, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """A session after an append: its head (without messages) and the stored messages of this request, in order."""

    session: Session
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedSession:
    """A session that is owed work since a time: then its first unread message was stored, or it outgrew its window."""

    key: SessionKey
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unextracted:
    """What extraction has to read of a session, in stored order.

    session:  the head, without messages.
    messages: the first ones that were not read; none when all were.
    before:   the ones stored right before the first of them.
    """

    session: Session
    messages: tuple[Message, ...]
    before: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What `mark_extracted` changed: ids of the messages it marked, and of the records it stored."""

    messages: tuple[str, ...]
    records: tuple[PutResult, ...]


class SessionStore(Protocol):
    """Durable sessions. Each call is atomic; what a completed call wrote is seen by the next read.

    A session whose time to live is over does not exist. Message ids are unique within a session. Appending
    costs the same whatever the session's length. `records` are long-term records that this write owes; they are
    stored in the same step, so neither exists without the other (their `fallback_id` rule applies).
    """

    async def get(self, scope: Scope, key: SessionKey, *, now: float, last: int | None = None) -> Session | None:
        """The session with its messages in stored order. last: only that many messages, the latest by
        `created_at` (ties: by position), oldest first."""
        ...

    async def find(
        self, scope: Scope, session_id: str, *, namespace: str | None, user_id: str | None, now: float
    ) -> Sequence[SessionKey]:
        """Keys of the sessions with this id within the scope, at most 2; None leaves a part open."""
        ...

    async def put(
        self,
        scope: Scope,
        session: Session,
        *,
        now: float,
        if_revision: int | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Session:
        """Store exactly this session, replacing what was there; answers what is stored, with its revision.

        With another summary than before it is forgotten what the former one took the place of (`fold`).
        bound: None leaves it as it is whether the session is to be folded.

        Messages keep `persisted_at` as given. if_revision: 0 asks that no session is there; n asks for that revision.
        Raises: Conflict, when it does not hold, one message id has two contents or a record's id is taken outside the
        scope; Forbidden outside the scope.
        """
        ...

    async def append(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        ttl_seconds: int | None = None,
        strategy: Strategy | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Appended:
        """Add messages behind the last one, in order; makes the session when there is none.

        A message whose id is there with equal role and content is left as it is (a repeated request adds nothing), and
        so is its record, the one with the message's id: it may have been changed or deleted since. The same holds of a
        message that a summary took the place of (`fold`), which is answered as it is given.
        ttl_seconds, strategy: None keeps what the session has. bound: None leaves it as it is whether the session is to
        be folded; an append that names no window never settles it.
        Raises: Conflict, when an id is there with other content or a record's id is taken outside the scope (nothing
        is added); Forbidden outside the scope.
        """
        ...

    async def delete(self, scope: Scope, key: SessionKey, *, now: float) -> bool:
        """Delete the session and its messages; whether it was there (an expired one is not). Long-term records
        stay."""
        ...

    async def list(
        self, scope: Scope, *, namespace: str | None, user_id: str | None, limit: int, offset: int, now: float
    ) -> SessionPage:
        """Keys, oldest session first. None leaves a part open."""
        ...

    async def owed_extractions(
        self, *, now: float, limit: int, after: OwedSession | None = None
    ) -> Sequence[OwedSession]:
        """Sessions with messages that extraction has not read, over all scopes, the longest owed first (ties: by
        namespace, user and session id, compared as UTF-8). after: the last one of the page before."""
        ...

    async def unextracted(
        self, scope: Scope, key: SessionKey, *, now: float, limit: int, before: int
    ) -> Unextracted | None:
        """Up to `limit` messages that extraction has not read, and up to `before` messages stored before them; None
        when there is no session. The cost does not depend on the session's length."""
        ...

    async def mark_extracted(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        records: Sequence[MemoryWrite] = (),
    ) -> Marked:
        """Mark messages as read by extraction and store the records read out of them, in one step.

        Only those are marked that are still there with equal role and content and are not marked yet; a record whose
        `extracted_from` names another one of `messages` is not stored. So of two runs over the same messages only
        one has an effect, and a message that changed meanwhile is still owed. A record that says what a deleted one
        said, in the same or nearly the same words and out of one of the same messages, is not stored either
        (`PutStatus.DELETED`). Other messages and members of the session stay as they are; its revision grows when a
        message was marked. A session that is gone is not made again, and nothing is stored.
        Raises: Forbidden outside the scope (nothing is changed).
        """
        ...

    async def fold(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        context: str | None,
        if_context: str | None,
        tokens: int,
        now: float,
    ) -> Session:
        """Put a summary in place of messages, in one step: they go, the session's context becomes `context`, and
        `tokens` is added to its count. Everything else stays, messages added meanwhile as well; the revision grows.
        Answers the session's head, without messages. Long-term records stay.

        Raises: NotFound, when there is no session (it is not made again); Conflict, when its context is not
        `if_context` any more or one of the messages is gone or has another role or content (nothing is changed);
        Forbidden outside the scope.
        """
        ...

    async def folded(self, scope: Scope, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """Ids of those of the messages that a summary of this session took the place of (`fold`), with equal role and
        content; none when there is no session, or another summary was put. Raises: Forbidden outside the scope."""
        ...

    async def folded_digests(self, key: SessionKey, *, now: float) -> Mapping[str, bytes]:
        """All messages that a summary of this session took the place of: digests of what they told
        (`domain.messages.message_digest`) by id; none when there is no session."""
        ...

    async def note_folded(self, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
        """Know these messages as folded from now on, as if `fold` had done it to them; nothing when there is no
        session."""
        ...

    async def owed_foldings(self, *, now: float, limit: int, after: OwedSession | None = None) -> Sequence[OwedSession]:
        """Sessions that have outgrown their windows (`Bound`), over all scopes; order and `after` as in
        `owed_extractions`."""
        ...

    async def uncounted(self, *, now: float, limit: int) -> Sequence[SessionKey]:
        """Sessions whose tokens nobody counted, as an earlier version of this server wrote them; over all scopes."""
        ...

    async def counted(
        self, scope: Scope, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float
    ) -> bool:
        """Note how many tokens the messages of a session have, at the revision at which they were read, and whether it
        is to be folded, or to be folded still. False, and nothing is changed, when it is at another revision or gone.
        The revision stays. Raises: Forbidden outside the scope.
        """
        ...

    async def purge_expired(self, *, now: float, limit: int = 1000) -> int:
        """Delete sessions whose time is over (they are invisible already); how many."""
        ...

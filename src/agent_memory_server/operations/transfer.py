"""Everything that a store holds, read out piece by piece, and taken into another store as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from agent_memory_server.domain.errors import Conflict, InvalidRequest
from agent_memory_server.domain.filters import PAST_TOO
from agent_memory_server.domain.memory import Memory, same_content
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Session, SessionKey
from agent_memory_server.domain.token import Token
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.window import Window, bound_of
from agent_memory_server.ports.memory_store import MemoryWrite

PAGE = 500
"""Records that are read, or taken in, in one step."""

_ARRIVING = 1000
"""Sessions that may be made between counting them and listing them; later ones are not carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Records with their embeddings. cursor: continues behind them, None at the end. total: of the whole store."""

    records: tuple[MemoryWrite, ...]
    cursor: str | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedSession:
    """A session, and digests by id of the messages that its summary took the place of."""

    session: Session
    folded: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of records. different: their ids are there with other content, which stays; `there` counts those
    that are there and equal."""

    stored: int = 0
    there: int = 0
    different: int = 0


async def carried_records(
    app: Application, *, cursor: str | None = None, vectors: bool = True
) -> AsyncIterator[RecordPage]:
    """All records, superseded ones and earlier versions included, in the order of their ids.

    Records that exist throughout are seen once, whatever is written meanwhile. vectors: False leaves embeddings out.
    """
    while True:
        page = await app.memories.list(EVERYWHERE, PAST_TOO, order=Order.STORED, limit=PAGE, cursor=cursor)
        records = await _with_vectors(app, page.memories) if vectors else [_bare(found) for found in page.memories]
        cursor = page.cursor
        yield RecordPage(records=tuple(records), cursor=cursor, total=page.total)
        if cursor is None:
            return


def _bare(memory: Memory) -> MemoryWrite:
    return MemoryWrite(memory=memory)


async def _with_vectors(app: Application, memories: Sequence[Memory]) -> list[MemoryWrite]:
    """A record that is changed between reading it and its vector goes without one: it may be of another text."""
    ids = [memory.id for memory in memories]
    vectors = await app.memories.vectors(ids)
    found = {memory.id: memory for memory in await app.memories.get(EVERYWHERE, ids)}
    writes: list[MemoryWrite] = []
    for memory in memories:
        now = found.get(memory.id)
        if now is not None:
            vector = vectors.get(memory.id) if now.revision == memory.revision else None
            writes.append(MemoryWrite(memory=now, vector=vector))
    return writes


async def carried_sessions(app: Application, *, but: Collection[SessionKey] = ()) -> AsyncIterator[CarriedSession]:
    """All live sessions with their messages, oldest first. but: those to leave out. The keys are held in memory."""
    now = app.clock()
    total = await count_sessions(app)
    page = await app.sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=total + _ARRIVING, offset=0, now=now)
    for key in page.keys:
        if key not in but:
            session = await app.sessions.get(EVERYWHERE, key, now=app.clock())
            if session is not None:
                folded = await app.sessions.folded_digests(key, now=app.clock())
                yield CarriedSession(session=session, folded=folded)


async def count_records(app: Application) -> int:
    """Records, superseded ones and earlier versions included."""
    return (await app.memories.list(EVERYWHERE, PAST_TOO, order=Order.STORED, limit=1)).total


async def count_sessions(app: Application) -> int:
    """Live sessions."""
    page = await app.sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=1, offset=0, now=app.clock())
    return page.total


async def take_records(app: Application, writes: Sequence[MemoryWrite]) -> Taken:
    """Store records as they are, where their ids are free. Raises: InvalidRequest, when the engine cannot."""
    if app.restoring is None:
        raise InvalidRequest("this engine cannot take records of another store")
    stored = await app.restoring.restore(EVERYWHERE, writes)
    left = [write.memory for write, done in zip(writes, stored, strict=True) if not done]
    found = {memory.id: memory for memory in await app.memories.get(EVERYWHERE, [memory.id for memory in left])}
    equal = sum(memory.id in found and same_content(memory, found[memory.id]) for memory in left)
    return Taken(stored=sum(stored), there=equal, different=len(left) - equal)


async def take_session(app: Application, carried: CarriedSession) -> bool:
    """Store a session as it is, where there is none; whether it was stored. Its time to live begins anew.

    Raises: Conflict, when one of its message ids has two contents.
    """
    now, session = app.clock(), carried.session
    if await app.sessions.get(EVERYWHERE, session.key, now=now, last=0) is not None:
        return False
    bound = bound_of(app, Window(), otherwise=app.chat is not None)
    await app.sessions.put(EVERYWHERE, session, now=now, if_revision=0, bound=bound)
    if carried.folded:
        await app.sessions.note_folded(session.key, carried.folded, now=now)
    return True


async def take_token(app: Application, token: Token) -> bool:
    """Store a token, where its digest is free; whether it was stored."""
    try:
        await app.tokens.add(token)
    except Conflict:
        return False
    return True

"""Memories read out of conversations, off the request path, from what the stored state says is owed.

A session is read when it was quiet for a while, or when its first unread message has waited long enough. Only unread
messages are looked at, so a turn costs the same in a long session. The records and the marks of their messages are
stored in one step: a run that is cut off, or done twice, changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent_memory_server.domain.cues import Cue, CueKind, cues_in
from agent_memory_server.domain.decision import Decision, Kind, Outcome
from agent_memory_server.domain.labels import entities_in, topics_in
from agent_memory_server.domain.memory import Memory, MemoryType, hash_of
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.strategies import aim_of
from agent_memory_server.domain.support import Aim
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.converse import get_session
from agent_memory_server.operations.decision_log import RULES, note
from agent_memory_server.operations.extract_by_model import CONTEXT, fitting, read_by_model
from agent_memory_server.operations.extract_summary import summary_of, summary_write
from agent_memory_server.operations.extraction_queue import due_of, extraction_job
from agent_memory_server.operations.participants import USERS
from agent_memory_server.operations.reading import WEAK, Reading, Refused, memory_id, said_by_a_person
from agent_memory_server.operations.remember import require_long_term
from agent_memory_server.operations.window import Window
from agent_memory_server.ports.chat_model import ChatModel
from agent_memory_server.ports.memory_store import MemoryWrite, PutStatus
from agent_memory_server.ports.session_store import OwedSession, Unextracted

AT_ONCE = 50
"""Messages read in one step."""

MOST_TRIED = 200
"""Messages that a trial looks at, the latest."""

_SESSIONS_A_PAGE = 100
_DAY_S = 86_400.0
_KINDS = {"preferences": frozenset({CueKind.PREFERENCE})}
"""What the rules keep for a strategy; everything where it says nothing, as for a custom prompt, which needs a model."""


def _on(app: Application) -> bool:
    return app.options.extraction and app.options.long_term


def _text(message: Message, cue: Cue) -> str:
    speaker = "User" if message.role.lower() in USERS else message.role
    sentence = cue.sentence
    if cue.when is not None and cue.when.day.isoformat() not in sentence:
        dated = cue.when.day.isoformat()[: {"year": 4, "month": 7}.get(cue.when.granularity, 10)]
        week = "the week of " if cue.when.granularity == "week" else ""
        sentence = f"{sentence} ({cue.when.expression}: {week}{dated})"
    return f"{speaker}: {sentence}"


def _memory(session: Session, message: Message, cue: Cue, now: float) -> Memory:
    text = _text(message, cue)
    source = {"message_id": message.id, "start": cue.start, "end": cue.end, "quote": cue.sentence}
    metadata: dict[str, Any] = {"extracted_by": "rules", "kind": cue.kind.value, "source": source, **WEAK[cue.weak]}
    if cue.when is not None:
        metadata["event_date_granularity"] = cue.when.granularity
    memory = Memory(
        id=memory_id(session.key, message.id, text),
        text=text,
        namespace=session.key.namespace,
        user_id=session.key.user_id,
        session_id=session.key.session_id,
        memory_type=MemoryType.EPISODIC if cue.kind is CueKind.EVENT else MemoryType.SEMANTIC,
        topics=topics_in(cue.sentence),
        entities=entities_in(cue.sentence),
        created_at=message.created_at,
        updated_at=now,
        last_accessed=message.created_at,
        persisted_at=now,
        event_date=cue.when.start if cue.when else None,
        extraction_strategy=session.strategy.name,
        extraction_strategy_config=session.strategy.config,
        extracted_from=(message.id,),
        metadata=metadata,
    )
    return replace(memory, memory_hash=hash_of(memory))


def read_by_rules(session: Session, messages: Sequence[Message], *, now: float, aim: Aim) -> Reading:
    """What the rules find in messages of a session. aim: where its strategy names none."""
    aim = aim_of(session.strategy, aim)
    kinds = _KINDS.get(session.strategy.name, frozenset(CueKind))
    memories: dict[str, Memory] = {}
    refused: list[Refused] = []
    for message in filter(said_by_a_person, messages):
        for cue in cues_in(message.content, said_at=message.created_at, aim=aim):
            if cue.kind not in kinds:
                continue
            if cue.dropped is not None:
                refused.append(Refused(message.id, cue.sentence, cue.dropped.value))
            else:
                memory = _memory(session, message, cue, now)
                memories.setdefault(memory.id, memory)
    return Reading(tuple(memories.values()), tuple(refused))


async def sweep_extractions(app: Application) -> int:
    """Queue every session that extraction owes something; how many. The job looks itself whether it is time."""
    if not _on(app):
        return 0
    now = app.clock()
    queued = 0
    after: OwedSession | None = None
    while page := await app.sessions.owed_extractions(now=now, limit=_SESSIONS_A_PAGE, after=after):
        for owed in page:
            await app.jobs.add(extraction_job(owed.key), due=now, unless_dead_since=now - _DAY_S)
        queued += len(page)
        after = page[-1]
    return queued


async def extract_session(app: Application, key: SessionKey) -> int:
    """Read what is unread of a session, if it is time; else queue the job for when it is. How many records it stored.

    Nothing happens when the session is gone. Raises: Unavailable, InvalidRequest (a question or prompt
    is refused); nothing is lost by it.
    """
    stored = 0
    now = app.clock()
    while _on(app):
        pending = await app.sessions.unextracted(EVERYWHERE, key, now=now, limit=AT_ONCE, before=CONTEXT)
        if pending is None or not pending.messages:
            break
        due = due_of(app.options, pending.session)
        if due > now:
            await app.jobs.add(extraction_job(key), due=due)
            break
        kept = await _read(app, pending, now)
        if kept is None:
            break
        stored += kept
    return stored


async def _read(app: Application, pending: Unextracted, now: float) -> int | None:
    """Read these messages and mark them; None when all of them changed meanwhile."""
    key = pending.session.key
    refused: Sequence[Refused] = ()
    if pending.session.strategy.name == "summary":
        messages: Sequence[Message] = fitting(pending.messages)
        summary = await summary_of(app, pending.session, messages, now=now)
        writes = [] if summary is None else [summary_write(summary, key)]
    else:
        messages, reading = await _listed(app, pending, now)
        refused = reading.refused
        ids = [memory.id for memory in reading.memories]
        there = {memory.id for memory in await app.memories.get(EVERYWHERE, ids)} if ids else set()
        # What is there already may have been edited since: it stays.
        writes = [MemoryWrite(memory=memory) for memory in reading.memories if memory.id not in there]
    marked = await app.sessions.mark_extracted(EVERYWHERE, key, messages, now=now, records=writes)
    if marked.messages:
        await note(app, _refusals(app, key, refused, now))
    if marked.records:
        app.owed.set()
        app.stored.set()
    kept = [result for result in marked.records if result.status is not PutStatus.DELETED]
    return len(kept) if marked.messages else None


def _refusals(app: Application, key: SessionKey, refused: Sequence[Refused], now: float) -> list[Decision]:
    """What a model proposed in vain. What rules pass over is no proposal."""
    counted = Counter((one.message_id, one.code) for one in refused)
    return [
        Decision(
            at=now,
            kind=Kind.EXTRACTION,
            outcome=Outcome.REFUSED,
            reason=reason,
            by=app.chat.model if app.chat else RULES,
            namespace=key.namespace,
            user_id=key.user_id,
            session_id=key.session_id,
            message_ids=(message_id,) if message_id else (),
            count=count,
        )
        for (message_id, reason), count in counted.items()
        if reason is not None
    ]


async def _listed(app: Application, pending: Unextracted, now: float) -> tuple[Sequence[Message], Reading]:
    """The messages that one step reads, and the memories in them."""
    if app.chat is None:
        aim = app.options.extraction_aim
        return pending.messages, read_by_rules(pending.session, pending.messages, now=now, aim=aim)
    messages = fitting(pending.messages)
    return messages, await _by_model(app, app.chat, pending.session, messages, pending.before, now=now)


async def _by_model(
    app: Application,
    chat: ChatModel,
    session: Session,
    messages: Sequence[Message],
    before: Sequence[Message],
    *,
    now: float,
) -> Reading:
    options = app.options
    return await read_by_model(
        chat, session, messages, before, now=now, aim=options.extraction_aim, most_topics=options.most_topics
    )


async def try_extraction(
    app: Application, principal: Principal, session_id: str, *, namespace: str | None, user_id: str | None
) -> Reading:
    """What would be read out of a session's latest messages, whether or not they were read before. Stores nothing.

    Raises: NotFound (there is no such session), Forbidden, RequestRefused (long-term memory is off), Unavailable.
    """
    require(principal, Action.READ)
    require_long_term(app)
    view = await get_session(
        app, principal, session_id, namespace=namespace, user_id=user_id, window=Window(), last=MOST_TRIED
    )
    session = view.session
    if session.strategy.name == "summary":
        summary = await summary_of(app, session, fitting(session.messages), now=app.clock())
        return Reading(() if summary is None else (summary,), ())
    if app.chat is not None:
        return await _by_model(app, app.chat, session, fitting(session.messages), (), now=app.clock())
    return read_by_rules(session, session.messages, now=app.clock(), aim=app.options.extraction_aim)

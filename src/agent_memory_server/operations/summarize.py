"""Fold the oldest messages of a session that has outgrown its window into its running summary.

Off the request path: a write queues a job, and a model that fails or is slow delays only that. That a session has
outgrown its window is part of the stored state, so a job that was lost is queued again. What is folded leaves
working memory; it stays in long-term memory as records of messages where those are indexed, and nothing is folded that
extraction has not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import structlog

from agent_memory_server.domain.digest import extract
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.fencing import DATA_RULE, fenced, fenced_lines
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.tokens import estimate_tokens, message_tokens, tokens_of
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.counting import Counted, count
from agent_memory_server.operations.parts import in_parts
from agent_memory_server.operations.window import Window, bound_of
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from agent_memory_server.ports.jobs import Job
from agent_memory_server.ports.session_store import OwedSession

KIND = "summarize_session"

_KEPT_SHARE = 0.4
"""Of the window: the newest messages that are kept. As the reference server has it."""
_EXTRACT_SHARE = 0.1
_MOST_EXTRACT_TOKENS = 1000
_AGAIN_AFTER_S = 5.0
_SESSIONS_A_PAGE = 100
_DAY_S = 86_400.0
_NOTHING_NEW = "NONE"
_CUT = " […]"
_INSTRUCTIONS = (
    "You keep the running summary of a conversation between a user and an assistant. You are given the summary so "
    "far and the messages that follow it, oldest first. Answer with the new summary alone, as plain text: everything "
    "of the old one that still matters, then what the messages add, in the order of time. Keep names, terms, versions, "
    "numbers, dates, code references and decisions exactly. Be neutral and brief: two or three sentences, more only "
    "where facts would be lost, never more than {words} words. Write in the language of the conversation. When the "
    f"messages add nothing to the summary, answer with the one word {_NOTHING_NEW}.\n\n{DATA_RULE}"
)
_SUMMARY_SHARE = 1 / 8
"""Of the session's window: what the summary may take of it, so that it leaves room for the conversation."""
_FEWEST_WORDS = 60
_TOKENS_A_WORD = 1.5
_LEAST_ROOM = 256
_MOST_PIECES = 8
"""Of a message that is too long for one question; the last one says that the rest was cut off."""
_FULL = 0.8
"""Of a question's room that such a piece takes: its tokens are estimated."""

log = structlog.get_logger()


async def queue_summary(app: Application, session: Session, *, now: float) -> None:
    """Queue the folding of a session that was just written, when this write is the one by which it outgrew its window.

    Later writes queue nothing. A queue that fails does not fail the write; the sweep finds what is owed.
    """
    if not app.options.summarize or session.outgrown_since != now:
        return
    wait_s = app.options.extract_after_s + 1 if _reads(app) else 0.0
    try:
        await app.jobs.add(summary_job(session.key), due=now + wait_s)
    except MemoryServerError as exc:
        log.warning("summary.not_queued", code=exc.code, reason=str(exc))


def summary_job(key: SessionKey, limit: int | None = None) -> Job:
    """The job that folds a session. limit: into so many tokens instead of its own window."""
    place = {"namespace": key.namespace, "user_id": key.user_id, "session_id": key.session_id}
    digest = hashlib.sha256(json.dumps(list(place.values())).encode()).hexdigest()
    arguments = place if limit is None else {**place, "limit": str(limit)}
    return Job(kind=KIND, key=digest, arguments=arguments, group=f"session:{digest}")


async def sweep_summaries(app: Application) -> int:
    """Queue every session that has outgrown its window; how many. The job looks itself whether it can be folded yet."""
    if not app.options.summarize:
        return 0
    await _count_uncounted(app)
    now = app.clock()
    queued = 0
    after: OwedSession | None = None
    while page := await app.sessions.owed_foldings(now=now, limit=_SESSIONS_A_PAGE, after=after):
        for owed in page:
            await app.jobs.add(summary_job(owed.key), due=now, unless_dead_since=now - _DAY_S)
        queued += len(page)
        after = page[-1]
    return queued


async def _count_uncounted(app: Application) -> None:
    """Count the tokens of sessions that an earlier version or another server wrote, each once."""
    bound = bound_of(app, Window(), otherwise=app.chat is not None)
    while page := await app.sessions.uncounted(now=app.clock(), limit=_SESSIONS_A_PAGE):
        done = 0
        for key in page:
            session = await app.sessions.get(EVERYWHERE, key, now=app.clock())
            if session is not None:
                tokens = tokens_of(session.messages)
                outgrown = bound is not None and bound.outgrown(tokens, session.window)
                done += await _note(app, session, tokens, outgrown=outgrown)
        if not done:  # all of them are being written to, or gone; what is left is the next sweep's
            break


async def _note(app: Application, session: Session, tokens: int, *, outgrown: bool) -> bool:
    return await app.sessions.counted(
        EVERYWHERE, session.key, revision=session.revision, tokens=tokens, outgrown=outgrown, now=app.clock()
    )


async def summarize_session(app: Application, key: SessionKey, limit: int | None = None) -> int:
    """Fold what does not fit the session's window; how many messages were folded. Safe to repeat.

    limit: tokens to fit instead; None: its window, or the configured one where no write named any.
    Messages that extraction has not read yet are left for a later run, which is queued. Each step is stored before the
    next one is asked for, so a failure half-way loses nothing and repeats nothing. The session is owed its folding
    until all of it is done.
    Raises: Unavailable (the model; nothing is changed by it), Conflict (the session was changed meanwhile).
    """
    job = summary_job(key, limit)
    session = await app.sessions.get(EVERYWHERE, key, now=app.clock())
    if session is None or not app.options.summarize:
        return 0
    if limit is None:
        limit = app.options.context_window if session.window is None else session.window
    counted = await count(app, session.messages, None)
    outgrown = session.messages[: _outgrown(app, counted, limit)]
    ready = _read_already(outgrown) if _reads(app) else outgrown
    if ready:
        session = await _folded(app, session, ready, limit)
        log.info("session.summarized", messages=len(ready), model=app.chat.model if app.chat else None)
    left = counted.last(len(session.messages))
    # Where others wrote meanwhile, the session may have outgrown its window again.
    if len(ready) < len(outgrown) or not await _note(app, session, left.total, outgrown=False):
        again = app.clock() + max(app.options.extract_after_s, _AGAIN_AFTER_S)
        await app.jobs.add(job, due=again)
    return len(ready)


async def _folded(app: Application, session: Session, ready: Sequence[Message], limit: int) -> Session:
    """The session after these messages, its first ones, were folded."""
    if app.chat is None:
        head = await _fold(app, session, ready, _extracted(session, ready, limit), tokens=0)
    else:
        head = await _fold_by_model(app, app.chat, session, ready, limit)
    return replace(head, messages=session.messages[len(ready) :])


def _reads(app: Application) -> bool:
    """Whether extraction reads sessions."""
    return app.options.extraction and app.options.long_term


def _read_already(messages: Sequence[Message]) -> Sequence[Message]:
    """The first ones, up to one that extraction has not read."""
    unread = next((n for n, message in enumerate(messages) if not message.discrete_memory_extracted), len(messages))
    return messages[:unread]


def _outgrown(app: Application, counted: Counted, limit: int) -> int:
    """How many of the oldest messages are to go: all but those that are kept; none while all fit the threshold."""
    if limit <= 0 or counted.total <= int(limit * app.options.summarize_at):
        return 0
    room, kept = int(limit * _KEPT_SHARE), 0
    for size in reversed(counted.sizes):
        room -= size
        if room < 0:
            break
        kept += 1
    return len(counted.sizes) - max(kept, 1)


def _extracted(session: Session, messages: Sequence[Message], limit: int) -> str:
    budget = max(64, min(int(limit * _EXTRACT_SHARE), _MOST_EXTRACT_TOKENS))
    return extract(session.context, [(m.role, m.content) for m in messages], budget_tokens=budget)


async def _fold(
    app: Application, session: Session, messages: Sequence[Message], context: str | None, *, tokens: int
) -> Session:
    return await app.sessions.fold(
        EVERYWHERE,
        session.key,
        messages,
        context=context,
        if_context=session.context,
        tokens=tokens,
        now=app.clock(),
    )


async def _fold_by_model(
    app: Application, model: ChatModel, session: Session, messages: Sequence[Message], limit: int
) -> Session:
    share, budget = _budgets(model.context_tokens)
    words = max(_FEWEST_WORDS, int(min(share, limit * _SUMMARY_SHARE) / _TOKENS_A_WORD))
    told = _INSTRUCTIONS.format(words=words)
    while messages:
        room = max(_LEAST_ROOM, budget - estimate_tokens(session.context or ""))
        step = _step(messages, room)
        context, tokens = session.context or "", 0
        for part in _parts(step, room):
            answer = await model.ask(_request(app, told, context, part, share))
            said = answer.text.strip()
            # The model was told that it may say so; then the summary so far stands, "" where there was none: it tells
            # that messages were folded.
            context = context if said.strip(" .\"'`").upper() == _NOTHING_NEW else said
            tokens += answer.prompt_tokens + answer.answer_tokens
        head = await _fold(app, session, step, context, tokens=tokens)
        session = head
        messages = messages[len(step) :]
    return session


def _budgets(window: int) -> tuple[int, int]:
    """Tokens for the summary, and for the messages of one question, of a model with this window."""
    if window < 10_000:
        share = max(512, window // 8)
    elif window < 50_000:
        share = max(1024, window // 10)
    else:
        share = max(2048, window // 20)
    return share, max(_LEAST_ROOM, window - share - min(max(230, window // 100), 1000) - estimate_tokens(_INSTRUCTIONS))


def _step(messages: Sequence[Message], budget: int) -> Sequence[Message]:
    """As many of the first messages as one question holds, at least one."""
    used = 0
    for n, message in enumerate(messages):
        used += message_tokens(message)
        if used > budget and n:
            return messages[:n]
    return messages


def _parts(step: Sequence[Message], room: int) -> Iterator[Sequence[Message]]:
    """What each question shows of a step: all of its messages, or a piece of a single one that is too long for one."""
    size, length = message_tokens(step[0]), len(step[0].content)
    most_chars = length if size <= room else max(_LEAST_ROOM, int(length * room * _FULL / size))
    return in_parts(step, most_chars, most=_MOST_PIECES, cut=_CUT)


def _request(app: Application, told: str, context: str, messages: Sequence[Message], share: int) -> ChatRequest:
    so_far = fenced("summary", context)
    lines = fenced_lines("messages", [{"role": m.role, "content": m.content} for m in messages])
    template = app.options.summary_prompt
    if template is None:
        text = f"The summary so far:\n{so_far}\n\nThe messages that follow it:\n{lines}"
        return ChatRequest(purpose="summary", instructions=told, text=text, answer_tokens=share)
    # Replaced, not formatted: the operator's prompt may hold braces of its own.
    text = template.replace("{prev_summary}", so_far).replace("{messages_joined}", lines)
    return ChatRequest(purpose="summary", instructions=DATA_RULE, text=text, answer_tokens=share)

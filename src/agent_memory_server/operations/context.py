"""Working and long-term memory put together for a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent_memory_server.domain.errors import NotFound, RequestRefused
from agent_memory_server.domain.filters import Match, Op, TextField, only
from agent_memory_server.domain.principal import Principal
from agent_memory_server.domain.query import Hit, Mode
from agent_memory_server.domain.session import Session
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import get_session
from agent_memory_server.operations.rewrite import optimized_search
from agent_memory_server.operations.search import Found, Question, search
from agent_memory_server.operations.window import Window

SUMMARY_HEADING = "## A summary of the conversation so far:\n"
MEMORIES_HEADING = "## Long term memories related to the user's query\n "
_NO_MEMORIES = "No relevant long-term memories found."
_DEFAULT_LIMIT = 20
_MOST_RESULTS = 100
"""Of a default question, those included that tell what the prompt shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSession:
    """The session a prompt continues."""

    session_id: str
    namespace: str | None = None
    user_id: str | None = None
    window: Window = field(default_factory=Window)


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """role: "system", "user" or "assistant"."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Messages for a model, in order; memories None when no search ran or nothing was found."""

    messages: tuple[PromptMessage, ...]
    memories: tuple[Hit, ...] | None
    degraded: tuple[str, ...] = ()


def _narrowed(question: Question, query: str, session: PromptSession | None) -> Question:
    asked = {condition.field for condition in question.filter.conditions if isinstance(condition, Match)}
    filter_ = question.filter
    if session is not None and session.user_id and TextField.USER_ID not in asked:
        filter_ = filter_.also(only(TextField.USER_ID, session.user_id))
    return replace(question, text=query, filter=filter_)


def _default_question(asked: PromptSession | None, session: Session | None) -> Question:
    """session: as far as the prompt shows it."""
    question = Question(mode=Mode.HYBRID, limit=_DEFAULT_LIMIT)
    if asked is None:
        return question
    if session is not None and (session.context or len(session.messages) < session.message_count):
        # What was folded, or does not fit, is found; what is shown is left out of the answer (`_not_shown`).
        return replace(question, limit=min(_DEFAULT_LIMIT + len(session.messages), _MOST_RESULTS))
    # All of the session is in the prompt already.
    other = Match(TextField.SESSION_ID, Op.NONE, (asked.session_id,))
    return replace(question, filter=question.filter.also(other))


def _not_shown(hits: Sequence[Hit], session: Session | None) -> tuple[Hit, ...]:
    """The first results of a default question that do not only tell what messages in the prompt tell. Ids of messages
    count within their session: others may number theirs in the same way."""
    if session is None:
        return tuple(hits[:_DEFAULT_LIMIT])
    shown = {message.id for message in session.messages}

    def repeats(hit: Hit) -> bool:
        of = hit.memory.extracted_from
        return hit.memory.session_id == session.key.session_id and bool(of) and shown.issuperset(of)

    return tuple(hit for hit in hits if not repeats(hit))[:_DEFAULT_LIMIT]


async def memory_prompt(
    app: Application,
    principal: Principal,
    query: str,
    *,
    session: PromptSession | None,
    long_term: Question | bool | None,
    optimize: bool = False,
) -> Prompt:
    """The session's summary and messages, memories that fit the query, and the query itself.

    long_term: True searches with defaults (hybrid, 20 results, the session's user, nothing that is told by the messages
    in the prompt); a question is asked with `query` as its text. A session that does not exist is an empty one.
    optimize: the query is rewritten for the search (`optimized_search`); the prompt holds it as it was given.
    Raises: RequestRefused, when neither a session nor a search is asked for.
    """
    if session is None and (long_term is None or long_term is False):
        raise RequestRefused("Either session or long_term_search must be provided")
    there = await _session(app, principal, session) if session else None
    messages = _session_messages(there) if there else []
    found: Found | None = None
    if long_term is not None and long_term is not False:
        question = _default_question(session, there) if long_term is True else long_term
        found = await (optimized_search if optimize else search)(app, principal, _narrowed(question, query, session))
        if long_term is True:
            found = replace(found, hits=_not_shown(found.hits, there))
        lines = "\n".join(f"- {hit.memory.text} (ID: {hit.memory.id})" for hit in found.hits)
        messages.append(PromptMessage("system", MEMORIES_HEADING + (lines or _NO_MEMORIES)))
    messages.append(PromptMessage("user", query))
    return Prompt(
        messages=tuple(messages),
        memories=found.hits if found and found.hits else None,
        degraded=found.degraded if found else (),
    )


async def _session(app: Application, principal: Principal, asked: PromptSession) -> Session | None:
    """The session, cut to its window."""
    try:
        view = await get_session(
            app,
            principal,
            asked.session_id,
            namespace=asked.namespace,
            user_id=asked.user_id,
            window=asked.window,
        )
    except NotFound:
        return None
    return view.session


def _session_messages(session: Session) -> list[PromptMessage]:
    messages = [PromptMessage("system", SUMMARY_HEADING + session.context)] if session.context else []
    messages.extend(
        PromptMessage("user" if message.role == "user" else "assistant", message.content)
        for message in session.messages
    )
    return messages

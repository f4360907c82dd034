"""Working and long-term memory put together for a prompt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agent_memory_server.domain.errors import NotFound, RequestRefused
from agent_memory_server.domain.filters import Match, Op, TextField, only
from agent_memory_server.domain.principal import Principal
from agent_memory_server.domain.query import Hit, Mode
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import get_session
from agent_memory_server.operations.rewrite import optimized_search
from agent_memory_server.operations.search import Found, Question, search
from agent_memory_server.operations.window import Window

SUMMARY_HEADING = "## A summary of the conversation so far:\n"
MEMORIES_HEADING = "## Long term memories related to the user's query\n "
_NO_MEMORIES = "No relevant long-term memories found."
_DEFAULT_LIMIT = 20


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


def _default_question(session: PromptSession | None) -> Question:
    question = Question(mode=Mode.HYBRID, limit=_DEFAULT_LIMIT)
    if session is None:
        return question
    # The session's own messages are in the prompt already.
    other = Match(TextField.SESSION_ID, Op.NONE, (session.session_id,))
    return replace(question, filter=question.filter.also(other))


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

    long_term: True searches with defaults (hybrid, 20 results, the session's user, not the session itself); a
    question is asked with `query` as its text. A session that does not exist is an empty one.
    optimize: the query is rewritten for the search (`optimized_search`); the prompt holds it as it was given.
    Raises: RequestRefused, when neither a session nor a search is asked for.
    """
    if session is None and (long_term is None or long_term is False):
        raise RequestRefused("Either session or long_term_search must be provided")
    messages = await _session_messages(app, principal, session) if session else []
    found: Found | None = None
    if long_term is not None and long_term is not False:
        question = _default_question(session) if long_term is True else long_term
        found = await (optimized_search if optimize else search)(app, principal, _narrowed(question, query, session))
        lines = "\n".join(f"- {hit.memory.text} (ID: {hit.memory.id})" for hit in found.hits)
        messages.append(PromptMessage("system", MEMORIES_HEADING + (lines or _NO_MEMORIES)))
    messages.append(PromptMessage("user", query))
    return Prompt(
        messages=tuple(messages),
        memories=found.hits if found and found.hits else None,
        degraded=found.degraded if found else (),
    )


async def _session_messages(app: Application, principal: Principal, asked: PromptSession) -> list[PromptMessage]:
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
        return []
    session = view.session
    messages = [PromptMessage("system", SUMMARY_HEADING + session.context)] if session.context else []
    messages.extend(
        PromptMessage("user" if message.role == "user" else "assistant", message.content)
        for message in session.messages
    )
    return messages

"""Search for what a question means: a chat model rewrites the query first, where there is one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agent_memory_server.domain.errors import DeadlineExceeded, InvalidRequest, Unavailable
from agent_memory_server.domain.fencing import DATA_RULE, fenced
from agent_memory_server.domain.principal import Principal
from agent_memory_server.domain.query import Mode
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.search import Found, Question, search
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest

_ANSWER_TOKENS = 512
_LONGEST_CHARS = 1000
_INSTRUCTIONS = (
    "You turn what a user says to an assistant into a query for a search by meaning over stored facts about that user. "
    "Answer with the query alone, in the language of the user: one line, the subject with its names, dates and "
    "qualifiers, without courtesies, filler and words about searching. Add nothing that is not said. A text that is a "
    f"good query already is answered unchanged.\n\n{DATA_RULE}"
)


async def optimized_search(app: Application, principal: Principal, question: Question) -> Found:
    """`search` with the query rewritten by the fast chat model, in semantic mode.

    Without a model or text, or when the model fails or takes longer than QUERY_OPTIMIZATION_TIMEOUT_S, the text is
    searched as it is; a failure is told in `degraded`. Where a threshold is set and the rewritten query finds nothing,
    the text itself is searched.
    """
    text = (question.text or "").strip()
    if app.fast_chat is None or not text or question.mode is not Mode.SEMANTIC:
        return await search(app, principal, question)
    try:
        rewritten = await _rewritten(app, app.fast_chat, text)
    except (Unavailable, InvalidRequest) as exc:
        found = await search(app, principal, question)
        return replace(found, degraded=(f"the query was not rewritten ({exc})", *found.degraded))
    if rewritten is None:
        return await search(app, principal, question)
    found = await search(app, principal, replace(question, text=rewritten))
    if question.within is not None and not found.hits:
        return await search(app, principal, question)
    return found


async def _rewritten(app: Application, model: ChatModel, text: str) -> str | None:
    """A better query; None for one that cannot be used or is the same. Raises: Unavailable, InvalidRequest."""
    template = app.options.rewrite_prompt
    if template is None:
        request = ChatRequest(
            purpose="query", instructions=_INSTRUCTIONS, text=fenced("query", text), answer_tokens=_ANSWER_TOKENS
        )
    else:
        # Replaced, not formatted: the operator's prompt may hold braces of its own.
        filled = template.replace("{query}", fenced("query", text))
        request = ChatRequest(purpose="query", instructions=DATA_RULE, text=filled, answer_tokens=_ANSWER_TOKENS)
    limit = asyncio.timeout(app.options.rewrite_timeout_s)
    try:
        async with limit:
            answer = await model.ask(request)
    except TimeoutError as exc:
        if not limit.expired():
            raise
        raise DeadlineExceeded(f"{model.model} took longer than {app.options.rewrite_timeout_s:g} s") from exc
    query = " ".join(answer.text.strip().strip("\"'`").split())
    usable = app.options.shortest_rewrite <= len(query) <= _LONGEST_CHARS and query != text
    return query if query and usable else None

"""Searches and prompts between wire and domain."""

from __future__ import annotations

from typing import Any

from agent_memory_client.models import MemoryPromptRequest, SearchRequest, WorkingMemoryRequest
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.query import DEFAULT_ALPHA, Mode
from agent_memory_server.domain.recency import Recency
from agent_memory_server.interfaces.convert.filters import filter_of
from agent_memory_server.interfaces.convert.records import result
from agent_memory_server.interfaces.convert.times import unix_or_none
from agent_memory_server.operations.context import Prompt, PromptSession
from agent_memory_server.operations.search import Found, Question
from agent_memory_server.operations.window import Window

_WEIGHTS = {
    "recency_semantic_weight": "similarity_weight",
    "recency_recency_weight": "recency_weight",
    "recency_freshness_weight": "freshness_weight",
    "recency_novelty_weight": "novelty_weight",
    "recency_half_life_last_access_days": "half_life_last_access_days",
    "recency_half_life_created_days": "half_life_created_days",
}
_DEFAULT_RECENCY = Recency()


def _recency_of(request: SearchRequest) -> Recency | None:
    if request.recency_boost is False:
        return None
    asked = {inside: getattr(request, name) for name, inside in _WEIGHTS.items() if getattr(request, name) is not None}
    return Recency(**asked) if asked else _DEFAULT_RECENCY


def question_of(request: SearchRequest) -> Question:
    """The search as a question. `text_scorer` and `server_side_recency` choose nothing here: there is one ranking."""
    return Question(
        text=request.text,
        mode=Mode(request.search_mode.value),
        filter=filter_of(request),
        alpha=request.hybrid_alpha if "hybrid_alpha" in request.model_fields_set else DEFAULT_ALPHA,
        within=request.distance_threshold,
        limit=request.limit,
        offset=request.offset,
        recency=_recency_of(request),
        min_relevance=request.min_relevance,
        now=unix_or_none(request.now or request.as_of),
        explain=request.explain,
    )


def results(found: Found) -> dict[str, Any]:
    """The members of a `MemoryRecordResultsResponse`; `degraded` only where something did not work."""
    members: dict[str, Any] = {
        "memories": [result(hit) for hit in found.hits],
        "total": found.total,
        "next_offset": found.next_offset,
    }
    if found.degraded:
        members["degraded"] = found.degraded
    return members


def window_of(model_name: str | None, context_window_max: int | None) -> Window:
    """The window a request names; 0 and "" count as not given."""
    return Window(model=model_name or None, max_tokens=context_window_max or None)


def prompt_session_of(request: MemoryPromptRequest) -> PromptSession | None:
    """The session a prompt continues. Raises: InvalidRequest for a window of less than no tokens."""
    session: WorkingMemoryRequest | None = request.session
    if session is None:
        return None
    if session.context_window_max is not None and session.context_window_max < 0:
        raise InvalidRequest("context_window_max must be 1 or more", field="session.context_window_max")
    return PromptSession(
        session_id=session.session_id,
        namespace=session.namespace,
        user_id=session.user_id,
        window=window_of(session.model_name, session.context_window_max),
    )


def long_term_of(request: MemoryPromptRequest) -> Question | bool | None:
    """What a prompt asks of long-term memory."""
    asked = request.long_term_search
    return question_of(asked) if isinstance(asked, SearchRequest) else asked


def prompt(built: Prompt) -> dict[str, Any]:
    """The members of a `MemoryPromptResponse`."""
    members: dict[str, Any] = {
        "messages": [
            {
                "role": message.role,
                "content": {"type": "text", "text": message.text, "annotations": None, "_meta": None},
            }
            for message in built.messages
        ],
        "long_term_memories": None if built.memories is None else [result(hit) for hit in built.memories],
    }
    if built.degraded:
        members["degraded"] = built.degraded
    return members

"""Find memories: embed the question, ask the store, order the page by recency, note the access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.asked_times import asked_periods
from agent_memory_server.domain.errors import InvalidRequest, RequestRefused, Unavailable
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.passages import passage
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import DEFAULT_ALPHA, Hit, Mode, Order, Period, Ranked, StoreQuery, Term
from agent_memory_server.domain.recency import ACCESS_UPDATE_AFTER_S, Recency, combined_score
from agent_memory_server.domain.relevance import estimates_of
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.words import query_terms
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term
from agent_memory_server.operations.rerank import ranked_again


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search as it was asked. text None or blank: a listing by the filter alone. recency None: no recency order.

    min_relevance: only results that are estimated to answer with at least this probability (`domain.relevance`).
    now: Unix seconds from which "yesterday" in the text counts; None: the clock's.
    """

    text: str | None = None
    mode: Mode = Mode.SEMANTIC
    filter: Filter = EVERYTHING
    alpha: float = DEFAULT_ALPHA
    within: float | None = None
    limit: int = 10
    offset: int = 0
    recency: Recency | None = field(default_factory=Recency)
    min_relevance: float | None = None
    now: float | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of results. degraded: sentences on what did not work and how the search went on without it."""

    hits: tuple[Hit, ...]
    total: int
    next_offset: int | None
    degraded: tuple[str, ...] = ()


async def search(app: Application, principal: Principal, question: Question) -> Found:
    """Answer a question from the memories the caller may read.

    An embedder that fails degrades the search to words and says so; a store that fails raises Unavailable.
    Raises: Forbidden, RequestRefused.
    """
    require_long_term(app)
    if question.within is not None and question.mode is not Mode.SEMANTIC:
        raise RequestRefused("distance_threshold is only supported for semantic search mode")
    scope = require(principal, Action.READ)
    degraded: list[str] = []
    if question.text is None or not question.text.strip():
        ranked = await _listed(app, scope, question)
    else:
        ranked, degraded = await _ranked(app, scope, question, question.text)
    hits = ranked.hits
    if question.recency is not None and hits:
        now = app.clock()
        hits = _by_recency(hits, question.recency, now)
        app.accesses.note([hit.memory.id for hit in hits if now - hit.memory.last_accessed >= ACCESS_UPDATE_AFTER_S])
    end = question.offset + len(ranked.hits)
    return Found(
        hits=hits,
        total=ranked.total,
        next_offset=end if ranked.hits and end < ranked.total else None,
        degraded=tuple(degraded),
    )


async def _listed(app: Application, scope: Scope, question: Question) -> Ranked:
    page = await app.memories.list(
        scope, question.filter, order=Order.NEWEST, limit=question.limit, offset=question.offset
    )
    return Ranked(hits=tuple(Hit(memory=memory, dist=0.0) for memory in page.memories), total=page.total)


async def _ranked(app: Application, scope: Scope, question: Question, text: str) -> tuple[Ranked, list[str]]:
    degraded: list[str] = []
    vector: NDArray[np.float32] | None = None
    if question.mode is not Mode.KEYWORD:
        try:
            vector = (await app.embedder.embed([text]))[0]
        except (Unavailable, InvalidRequest) as exc:
            degraded.append(f"the query could not be embedded ({exc}); searched by words only")
    # In semantic mode words serve only records that have no vector yet.
    terms = query_terms(text, phrases_required=question.mode is Mode.HYBRID)
    estimates = estimates_of(app.embedder.model)
    query = StoreQuery(
        filter=question.filter,
        vector=vector,
        terms=terms,
        text=text,
        alpha=1.0 if question.mode is Mode.SEMANTIC else question.alpha,
        within=question.within if vector is not None else None,
        periods=_periods(question, text, app.clock()),
        estimates=estimates,
        min_relevance=question.min_relevance,
        limit=question.limit,
        offset=question.offset,
        explain=question.explain,
        mode=question.mode if vector is not None else Mode.KEYWORD,
    )
    ranked, failed = await ranked_again(app, scope, query)
    degraded += failed
    if ranked.unembedded:
        degraded.append(f"{ranked.unembedded} memories are not embedded yet and were searched by words only")
    if question.min_relevance is not None and not _estimated(query):
        degraded.append(f"relevance is not known for {app.embedder.model} in this mode; min_relevance was not applied")
    if query.explain:
        ranked = replace(ranked, hits=tuple(_with_passage(hit, terms) for hit in ranked.hits))
    return ranked, degraded


def _estimated(query: StoreQuery) -> bool:
    """Whether the estimate of the query's mode is fitted for the model."""
    if query.mode is Mode.KEYWORD:
        return True
    return (query.estimates.meaning if query.mode is Mode.SEMANTIC else query.estimates.both) is not None


def _with_passage(hit: Hit, terms: Sequence[Term]) -> Hit:
    if hit.evidence is None:
        return hit
    return replace(hit, evidence=replace(hit.evidence, span=passage(hit.memory.text, terms)))


def _periods(question: Question, text: str, clock: float) -> tuple[Period, ...]:
    """The times that a hybrid search's text names. What cannot be read names none."""
    if question.mode is not Mode.HYBRID:
        return ()
    said_at = clock if question.now is None else question.now
    return asked_periods(text, said_at=said_at)


def _by_recency(hits: tuple[Hit, ...], recency: Recency, now: float) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: -combined_score(hit.memory, hit.dist, now, recency)))

"""The first results of a hybrid search, read once more by a model that sees query and text together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.domain.query import Hit, Mode, Ranked, StoreQuery
from agent_memory_server.domain.scope import Scope
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.reranker import Reranker


async def ranked_again(app: Application, scope: Scope, query: StoreQuery) -> tuple[Ranked, list[str]]:
    """The page of a store's ranking, its first `rerank_candidates` places in the re-ranker's order.

    Every page is a slice of the same ranking as long as the re-ranker answers. Where it fails or is late the order
    without it is answered, and a sentence says so. Without a re-ranker, and in other modes, the store's own page.
    """
    depth = app.options.rerank_candidates
    if app.reranker is None or query.mode is not Mode.HYBRID or query.offset >= depth:
        return await app.memories.search(scope, query), []
    start, end = query.offset, query.offset + query.limit
    whole = await app.memories.search(scope, replace(query, offset=0, limit=max(end, depth)))
    hits, failed = whole.hits, []
    try:
        hits = await _ordered(app.reranker, query, hits[:depth]) + hits[depth:]
    except (Unavailable, InvalidRequest) as exc:
        failed.append(f"the results were not re-ranked ({exc})")
    return replace(whole, hits=hits[start:end]), failed


async def _ordered(reranker: Reranker, query: StoreQuery, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits by the re-ranker's scores, equal ones in their order. `dist` and `score` belong to the places: they go
    on falling, whatever scale the re-ranker has."""
    if len(hits) < 2:
        return tuple(hits)
    scores = await reranker.scores(query.text, [hit.memory.text for hit in hits])
    order = sorted(range(len(hits)), key=lambda i: -scores[i])
    return tuple(
        replace(
            hits[i],
            dist=place.dist,
            score=place.score,
            evidence=replace(evidence, rerank=scores[i]) if (evidence := hits[i].evidence) else None,
        )
        for place, i in zip(hits, order, strict=True)
    )

"""Hybrid searches whose first results a re-ranker reads again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.adapters.providers.rerank.open_reranker import opened_reranker
from agent_memory_server.adapters.providers.rerank.settings import RerankSettings
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import Mode
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.search import Found, Question, search
from tests.operations.given import memory
from tests.support.rerank_service import RerankService, rerank_service
from tests.support.rest import application

SAYS_YES = {"07", "03", "11"}
DEPTH = 10


@asynccontextmanager
async def given(folder: Path, **settings: Any) -> AsyncIterator[tuple[Application, RerankService]]:
    """Twenty memories, of which the ranking without a re-ranker begins with the shortest."""
    with rerank_service() as service:
        options = RerankSettings(url=service.url, **({"timeout_s": 60.0} | settings))
        async with (
            opened_reranker(options) as reranker,
            application(folder, reranker=reranker, rules=Options(rerank_candidates=DEPTH)) as app,
        ):
            texts = {f"{n:02}": "zebra" + " grass" * n + (" yes" if f"{n:02}" in SAYS_YES else "") for n in range(20)}
            await remember(app, LOCAL, [memory(id_, text) for id_, text in texts.items()])
            yield app, service


def ids(found: Found) -> list[str]:
    return [hit.memory.id for hit in found.hits]


async def ask(app: Application, **question: Any) -> Found:
    return await search(app, LOCAL, Question(**({"text": "zebra", "mode": Mode.HYBRID, "recency": None} | question)))


async def without(app: Application, **question: Any) -> Found:
    plain = Application(**{name: getattr(app, name) for name in app.__slots__} | {"reranker": None})
    return await ask(plain, **question)


async def test_the_first_results_come_in_the_order_of_the_reranker_and_the_others_stay(tmp_path: Path) -> None:
    async with given(tmp_path) as (app, service):
        plain = await without(app, limit=20)
        found = await ask(app, limit=20, explain=True)
        head = ids(plain)[:DEPTH]
        first = [id_ for id_ in head if id_ in SAYS_YES]
        assert first != head[: len(first)]
        assert ids(found) == first + [id_ for id_ in head if id_ not in SAYS_YES] + ids(plain)[DEPTH:]
        assert [hit.score for hit in found.hits] == [hit.score for hit in plain.hits]
        assert [hit.dist for hit in found.hits] == [hit.dist for hit in plain.hits]
        told = [hit.evidence.rerank for hit in found.hits if hit.evidence]
        assert told == [-0.5] * len(first) + [-1.5] * (DEPTH - len(first)) + [None] * DEPTH
        assert (service.seen[0]["query"], len(service.seen[0]["documents"])) == ("zebra", DEPTH)


async def test_every_page_is_a_slice_of_the_same_ranking(tmp_path: Path) -> None:
    async with given(tmp_path) as (app, service):
        whole = ids(await ask(app, limit=20))
        asked = len(service.seen)
        pages = [await ask(app, limit=4, offset=offset) for offset in range(0, 20, 4)]
        assert [id_ for page in pages for id_ in ids(page)] == whole
        assert {page.total for page in pages} == {20}
        assert len(service.seen) - asked == 3  # pages that begin behind the candidates need no call


@pytest.mark.parametrize("mode", [Mode.SEMANTIC, Mode.KEYWORD])
async def test_other_modes_keep_their_meaning(tmp_path: Path, mode: Mode) -> None:
    async with given(tmp_path) as (app, service):
        assert ids(await ask(app, mode=mode)) == ids(await without(app, mode=mode))
        assert service.seen == []


async def test_a_failing_reranker_leaves_the_order_and_the_answer_says_so(tmp_path: Path) -> None:
    async with given(tmp_path) as (app, service):
        for answer, status, sentence in (({}, 500, "HTTP 500"), ("?", 200, "one score"), ({}, 422, "refused")):
            service.answer(answer, status)
            found = await ask(app)
            assert ids(found) == ids(await without(app))
            assert len(found.degraded) == 1
            assert found.degraded[0].startswith("the results were not re-ranked (")
            assert sentence in found.degraded[0]


async def test_a_late_reranker_is_not_waited_for(tmp_path: Path) -> None:
    async with given(tmp_path, timeout_s=0.05) as (app, service):
        service.hold.clear()
        found = await ask(app)
        assert ids(found) == ids(await without(app))
        assert "not re-ranked" in found.degraded[0]


async def test_one_result_or_none_needs_no_call(tmp_path: Path) -> None:
    async with given(tmp_path) as (app, service):
        assert ids(await ask(app, text='"zebra grass grass grass yes"')) == ["03"]
        assert ids(await ask(app, text='"lion"')) == []
        assert service.seen == []

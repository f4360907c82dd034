"""A failed embedder degrades a search to the arms that work, and the answer says so. Writes still succeed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory_server.interfaces.worker.upkeep import Pace
from tests.support.outage import Mood, MoodyService, embedder_of, moody_service
from tests.support.rest import Json, Server, answered, serving
from tests.support.waiting import until

OUTAGES = [Mood.FAILING, Mood.SILENT]
PACE = Pace(owed_s=0.05, access_s=60, backoff_s=0.05, longest_backoff_s=0.2)


@pytest.fixture
async def service() -> AsyncIterator[MoodyService]:
    async with moody_service() as running:
        yield running


@pytest.fixture
async def server(tmp_path: Path, service: MoodyService) -> AsyncIterator[Server]:
    async with serving(tmp_path, embedder=await embedder_of(service), pace=PACE) as running:
        await running.remember({"id": "zebra", "text": "the zebra crossed"}, {"id": "lion", "text": "lions sleep"})
        yield running


def ids(found: Json) -> list[str]:
    return [memory["id"] for memory in found["memories"]]


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
async def test_a_search_goes_on_by_words_and_says_so(
    server: Server, service: MoodyService, outage: Mood, mode: str
) -> None:
    service.become(outage)
    found = await server.search("which zebra was it", search_mode=mode)
    assert ids(found) == ["zebra"]
    (told,) = found["degraded"]
    assert "could not be embedded" in told
    assert "searched by words only" in told


@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_search_without_a_match_is_empty_and_still_says_so(
    server: Server, service: MoodyService, outage: Mood
) -> None:
    service.become(outage)
    found = await server.search("giraffes")
    assert (found["memories"], found["total"]) == ([], 0)
    assert found["degraded"]


@pytest.mark.parametrize("outage", OUTAGES)
async def test_what_needs_no_model_does_not_notice(server: Server, service: MoodyService, outage: Mood) -> None:
    service.become(outage)
    for found in (await server.search("zebra", search_mode="keyword"), await server.search(None)):
        assert "zebra" in ids(found)
        assert "degraded" not in found


@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_prompt_goes_on_and_says_so(server: Server, service: MoodyService, outage: Mood) -> None:
    service.become(outage)
    body = {"query": "which zebra", "long_term_search": {}}
    built = answered(await server.http.post("/v1/memory/prompt", json=body))
    assert [memory["id"] for memory in built["long_term_memories"]] == ["zebra"]
    assert built["degraded"]


@pytest.mark.parametrize("outage", OUTAGES)
async def test_a_write_succeeds_and_its_vector_follows(server: Server, service: MoodyService, outage: Mood) -> None:
    service.become(outage)
    done = await server.remember({"id": "new", "text": "the giraffe ate leaves"})
    assert done["items"] == [{"id": "new", "status": "created", "embedded": False}]
    assert (await server.app.memories.stats()).unembedded == 1
    service.become(Mood.WELL)

    async def filled_in() -> bool:
        return (await server.app.memories.stats()).unembedded == 0

    await until(filled_in)
    found = await server.search("the giraffe ate leaves", recency_boost=False)
    assert ids(found)[0] == "new"
    assert found["memories"][0]["dist"] < 0.01
    assert "degraded" not in found


async def test_a_silent_service_costs_its_deadline_and_no_more(server: Server, service: MoodyService) -> None:
    service.become(Mood.SILENT)
    started = time.monotonic()
    await server.search("which zebra was it")
    # The deadline is half a second; the bound leaves room for a busy machine.
    assert time.monotonic() - started < 10


async def test_readiness_tells_of_the_outage_and_the_server_stays_ready(server: Server, service: MoodyService) -> None:
    service.become(Mood.FAILING)
    response = await server.http.get("/v1/health/ready")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    store, embedder, *_ = response.json()["parts"]
    assert (store["ok"], embedder["ok"]) == (True, False)

"""Drills of the whole fleet: server, workers and models die, sleep and return. Nothing that was acknowledged is lost,
and all work is done in the end, once.

`make drills` runs them in full: outages of a minute and more, with the settings that a server has by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.sqlite.connection import FILE_NAME
from tests.support.drills import (
    CREATES,
    FULL,
    MODELS_DOWN_S,
    SESSIONS,
    WORKER_DOWN_S,
    Site,
    create,
    degraded,
    eventually,
    extracted,
    models,
    stored,
    talk,
)
from tests.support.processes import Server, serving
from tests.support.redis_processes import PERSISTENT, Node, redis_processes

ALL = sorted(f"s{n}" for n in range(SESSIONS))


@contextmanager
def embedded(folder: Path) -> Iterator[Site]:
    """A site on a data folder."""

    def lose_queue() -> None:
        connection = apsw.Connection(str(folder / FILE_NAME))
        connection.set_busy_timeout(10_000)
        connection.execute("DELETE FROM jobs")
        connection.close()

    with models() as (chat, embedding):
        yield Site(folder, chat, embedding, lose_queue)


@contextmanager
def on_redis(folder: Path, node: Node) -> Iterator[Site]:
    """A site on a Redis of its own that keeps what it acknowledged."""

    def lose_queue() -> None:
        node.client.delete(*keys.queue("memory-server"))

    with models() as (chat, embedding):
        yield Site(folder, chat, embedding, lose_queue, {"REDIS_URL": node.url})


@pytest.fixture
def node() -> Iterator[Node]:
    with redis_processes() as processes:
        yield processes.start(*PERSISTENT)


ONE = pytest.mark.parametrize("site", ["sqlite", "redis"] if FULL else ["redis"], indirect=True)
"""For drills that other tests hold on a data folder, too: both engines only in full."""


@pytest.fixture(params=["sqlite", "redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "data"
    place = embedded(folder) if request.param == "sqlite" else on_redis(folder, request.getfixturevalue("node"))
    with place as opened:
        yield opened


@ONE
async def test_a_server_killed_after_it_answered_has_stored_everything(site: Site) -> None:
    with site.server() as server, server.client() as http:
        create(http)
        server.kill()
    with site.server() as server, server.client() as http:
        assert stored(http) == CREATES


@ONE
async def test_models_that_are_down_delay_work_and_lose_none(site: Site) -> None:
    site.models_down()
    with site.server() as server, server.client() as http, site.worker():
        create(http)
        talk(http)
        assert stored(http) == CREATES
        await asyncio.sleep(MODELS_DOWN_S)
        assert (extracted(http), degraded(http)) == ([], True)
        site.models_up()

        async def all_done() -> bool:
            return extracted(http) == ALL and not degraded(http)

        await eventually(all_done)
        assert http.get("/v1/jobs").json()["dead"] == 0


@ONE
async def test_a_worker_that_is_down_delays_work_and_loses_none(site: Site) -> None:
    with site.server() as server, server.client() as http:
        with site.worker() as worker:
            worker.kill()
        create(http)
        talk(http)
        await asyncio.sleep(WORKER_DOWN_S)
        assert (stored(http), extracted(http)) == (CREATES, [])
        with site.worker():

            async def all_done() -> bool:
                return extracted(http) == ALL and not degraded(http)

            await eventually(all_done)


async def test_what_a_worker_killed_in_mid_job_had_is_done_by_the_next_one(site: Site) -> None:
    site.chat.hold.clear()

    async def asked() -> bool:
        return bool(site.chat.asked)

    with site.server() as server, server.client() as http:
        talk(http)
        with site.worker() as worker:
            await eventually(asked)
            worker.kill()
        site.chat.hold.set()
        with site.worker() as worker:

            async def all_done() -> bool:
                return extracted(http) == ALL

            await eventually(all_done)
            jobs = http.get("/v1/jobs").json()
            assert (jobs["dead"], jobs["workers"]) == (0, 2)  # the one that was killed is believed in for a while
            assert worker.stop() == 0
        assert server.stop() == 0


async def test_a_lost_queue_loses_no_work(site: Site) -> None:
    with site.server() as server, server.client() as http:
        create(http)
        talk(http)
        site.queue_lost()
        assert http.get("/v1/jobs").json()["waiting"] == 0
        with site.worker() as worker:
            assert worker.stop() == 0  # in the middle of whatever it does first
        with site.worker():

            async def all_done() -> bool:
                return extracted(http) == ALL and not degraded(http)

            await eventually(all_done)


async def test_redis_killed_in_the_middle_of_the_work_delays_it_and_loses_none(node: Node, tmp_path: Path) -> None:
    with on_redis(tmp_path / "data", node) as site, site.server() as server, server.client() as http:
        site.chat.hold.clear()

        async def asked() -> bool:
            return bool(site.chat.asked)

        with site.worker() as worker:
            create(http)
            talk(http)
            await eventually(asked)
            node.kill()
            assert http.get("/v1/health").status_code == 200
            assert http.get("/v1/health/ready").status_code == 503
            refused = http.post("/v1/long-term-memory/", json={"memories": [{"id": "no", "text": "not acknowledged"}]})
            assert refused.status_code == 503
            site.chat.hold.set()
            node.start_again()

            async def all_done() -> bool:
                return extracted(http) == ALL and not degraded(http)

            await eventually(all_done)
            assert stored(http) == CREATES
            assert worker.process.poll() is None


async def test_a_worker_that_is_started_before_redis_waits_for_it(node: Node, tmp_path: Path) -> None:
    node.kill()
    with on_redis(tmp_path / "data", node) as site, site.worker() as worker:
        node.start_again()
        with site.server() as server, server.client() as http:
            create(http, 1)
            talk(http, 1)

            async def all_done() -> bool:
                return extracted(http) == ["s0"]

            await eventually(all_done)
        assert worker.stop() == 0


async def test_servers_that_work_themselves_embed_each_text_once(node: Node, tmp_path: Path) -> None:
    with on_redis(tmp_path / "data", node) as site:
        one, other = (serving(site.folder, "--task-backend", "asyncio", env=site.env) for _ in range(2))
        with one as first, other as second, first.client() as http, second.client() as beside:
            for n in range(0, 60, 2):
                for client, number in ((http, n), (beside, n + 1)):
                    message = {"id": f"t{number}", "role": "user", "content": f"We met in Town{number}."}
                    client.put(f"/v1/working-memory/s{number}", json={"messages": [message]}).raise_for_status()

            async def all_embedded() -> bool:
                return not degraded(http)

            await eventually(all_embedded)
    texts = [text for asked in site.embedding.asked for text in asked if "Town" in text]
    assert len(texts) == len(set(texts)) >= 60


EVERY_S = 0.4


def ended(worker: Server, kind: str) -> list[float]:
    """When a worker ended jobs of a kind, by its log, in Unix seconds."""
    entries = [json.loads(line) for line in worker.errors.read_text().splitlines() if line.endswith("}")]
    done = [entry for entry in entries if entry["event"] == "job.done" and entry["kind"] == kind]
    return [datetime.fromisoformat(entry["timestamp"]).timestamp() for entry in done]


@ONE
async def test_periodic_work_is_done_once_for_all_workers(site: Site) -> None:
    often = {"COMPACTION_EVERY_MINUTES": str(EVERY_S / 60), "LOG_FORMAT": "json"}
    with site.worker(**often) as one, site.worker(**often) as other:

        async def often_enough() -> bool:
            return len(ended(one, "consolidate") + ended(other, "consolidate")) >= 8

        await eventually(often_enough)
        times = sorted(ended(one, "consolidate") + ended(other, "consolidate"))
    # Two that each kept an interval of their own would come to twice as many.
    assert len(times) <= (times[-1] - times[0]) / EVERY_S + 2

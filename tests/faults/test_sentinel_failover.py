"""A fleet on a Redis that sentinels watch: the primary dies for good, its replica takes over, and all goes on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.drills import (
    CREATES,
    FULL,
    SESSIONS,
    Site,
    create,
    degraded,
    eventually,
    extracted,
    models,
    stored,
    talk,
)
from tests.support.processes import BOUND_S, Server
from tests.support.redis_processes import PERSISTENT, until
from tests.support.redis_sentinel import Watched, follows, watched

ALL = sorted(f"s{n}" for n in range(SESSIONS))


@pytest.fixture
def redis() -> Iterator[Watched]:
    with watched(*PERSISTENT, replicas=2, sentinels=3 if FULL else 1) as started:
        yield started


@pytest.fixture
def site(redis: Watched, tmp_path: Path) -> Iterator[Site]:
    env = {"REDIS_URL": redis.url, "REDIS_WAIT_REPLICAS": "1"}
    with models() as (chat, embedding):
        yield Site(tmp_path / "data", chat, embedding, lambda: None, env)


def put(http: httpx2.Client, id_: str) -> int:
    record = {"id": id_, "text": f"fact called {id_}"}
    return http.post("/v1/long-term-memory/", json={"memories": [record]}).status_code


class Writer:
    """Stores records one after the other, whatever becomes of them, and remembers which were acknowledged."""

    def __init__(self, server: Server, name: str) -> None:
        self.acknowledged: list[str] = []
        self._server, self._name = server, name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with self._server.client() as http:
            for number in itertools.count():
                if self._over.is_set():
                    return
                status = put(http, f"{self._name}{number}")
                assert status in (200, 503)
                if status == 200:
                    self.acknowledged.append(f"{self._name}{number}")

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive()

    async def has_written(self, more: int) -> None:
        """Return when so many further ones were acknowledged."""
        wanted = len(self.acknowledged) + more

        async def enough() -> bool:
            return len(self.acknowledged) >= wanted

        await eventually(enough)


async def takes_over(redis: Watched, http: httpx2.Client, writer: Writer) -> None:
    """Kill the primary while records are stored; all goes on, and what was acknowledged is there."""
    await writer.has_written(10)
    redis.leader().kill()
    assert http.get("/v1/health").status_code == 200
    assert http.get("/v1/health/ready").status_code == 503
    assert put(http, "refused") == 503
    await writer.has_written(10)
    assert http.get("/v1/health/ready").status_code == 200


async def test_a_fleet_carries_on_with_a_replica_and_loses_nothing_that_replicas_confirm(
    redis: Watched, site: Site
) -> None:
    site.chat.hold.clear()

    async def asked() -> bool:
        return bool(site.chat.asked)

    with site.server() as server, server.client() as http, site.worker() as worker:
        create(http)
        talk(http)
        await eventually(asked)
        with Writer(server, "a") as writer, Writer(server, "b") as other:
            await takes_over(redis, http, writer)
            site.chat.hold.set()
            if FULL:  # sentinels take their time to make a replica of what comes back
                redis.primary.start_again()
                until(lambda: follows(redis.primary, redis.leader()), "the first primary follows")
                await takes_over(redis, http, writer)

        async def all_done() -> bool:
            return extracted(http) == ALL and not degraded(http)

        await eventually(all_done)
        assert stored(http) == CREATES
        kept = [http.get(f"/v1/long-term-memory/{id_}").status_code for id_ in writer.acknowledged + other.acknowledged]
        assert kept == [200] * len(kept)
        assert http.get("/v1/long-term-memory/refused").status_code == 404
        assert http.get("/v1/jobs").json()["dead"] == 0
        assert worker.stop() == 0
        assert server.stop() == 0

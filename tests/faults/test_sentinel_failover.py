"""A fleet on a Redis that sentinels watch: the primary dies for good, its replica takes over, and all goes on."""

from __future__ import annotations

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
from tests.support.redis_processes import PERSISTENT, Node, until
from tests.support.redis_sentinel import Watched, follows, watched

ALL = sorted(f"s{n}" for n in range(SESSIONS))


@pytest.fixture
def redis() -> Iterator[Watched]:
    with watched(*PERSISTENT, sentinels=3 if FULL else 1) as started:
        yield started


@pytest.fixture
def site(redis: Watched, tmp_path: Path) -> Iterator[Site]:
    with models() as (chat, embedding):
        yield Site(tmp_path / "data", chat, embedding, lambda: None, {"REDIS_URL": redis.url})


def put(http: httpx2.Client, id_: str) -> int:
    record = {"id": id_, "text": f"fact called {id_}"}
    return http.post("/v1/long-term-memory/", json={"memories": [record]}).status_code


async def taken(http: httpx2.Client, id_: str) -> None:
    """Store a record as soon as somebody takes it; what is refused meanwhile is refused with 503."""

    async def accepted() -> bool:
        status = put(http, id_)
        assert status in (200, 503)
        return status == 200

    await eventually(accepted)


async def takes_over(http: httpx2.Client, dies: Node, other: Node, id_: str) -> None:
    """Kill one when the other has all that it acknowledged; store a record when that one has taken over."""
    until(lambda: follows(other, dies), "the replica has it all")
    dies.kill()
    assert http.get("/v1/health").status_code == 200
    assert http.get("/v1/health/ready").status_code == 503
    assert put(http, "refused") == 503
    await taken(http, id_)
    assert http.get("/v1/health/ready").status_code == 200


async def test_a_fleet_carries_on_with_the_replica(redis: Watched, site: Site) -> None:
    site.chat.hold.clear()

    async def asked() -> bool:
        return bool(site.chat.asked)

    with site.server() as server, server.client() as http, site.worker() as worker:
        create(http)
        talk(http)
        await eventually(asked)
        await takes_over(http, redis.primary, redis.replica, "after")
        site.chat.hold.set()

        async def all_done() -> bool:
            return extracted(http) == ALL and not degraded(http)

        await eventually(all_done)
        assert stored(http) == CREATES
        assert http.get("/v1/long-term-memory/refused").status_code == 404
        redis.replica.client.config_set("min-replicas-to-write", 1)  # which it has not any more
        assert put(http, "alone") == 503
        redis.replica.client.config_set("min-replicas-to-write", 0)
        assert http.get("/v1/long-term-memory/alone").status_code == 404
        if FULL:  # sentinels take their time to make a replica of what comes back
            redis.primary.start_again()
            await takes_over(http, redis.replica, redis.primary, "again")
            assert put(http, "last") == 200
            assert stored(http) == CREATES
            found = [http.get(f"/v1/long-term-memory/{id_}").status_code for id_ in ("after", "again", "last")]
            assert found == [200, 200, 200]
            assert extracted(http) == ALL
        assert http.get("/v1/jobs").json()["dead"] == 0
        assert worker.stop() == 0
        assert server.stop() == 0

"""The engines a server can be started on, for tests that run the same on each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.support.processes import Server, serving

ENGINES = ("sqlite", "redis")


@contextmanager
def serving_on(engine: str, redis_url: str, folder: Path) -> Iterator[Server]:
    """A server of its own process on an empty engine: `sqlite` in the folder, or `redis` in the server at the URL."""
    if engine == "sqlite":
        with serving(folder) as server:
            yield server
        return
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    with serving(folder, env={"REDIS_URL": redis_url}) as server:
        yield server

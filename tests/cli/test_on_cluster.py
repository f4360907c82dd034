"""The server on a real Redis Cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import BOUND_S, run, serving
from tests.support.redis_cluster import Cluster, redis_cluster


@pytest.fixture
def nodes() -> Iterator[Cluster]:
    with redis_cluster() as running:
        yield running


def test_a_server_and_its_commands_work_on_a_cluster(nodes: Cluster, folder: Path) -> None:
    env = {"REDIS_URL": nodes.url}
    memories = [{"id": f"m{n}", "text": f"Ann likes tea {n}", "user_id": "ann"} for n in range(30)]
    with serving(folder, "--task-backend", "asyncio", env=env) as server, server.client() as client:
        assert client.get("/v1/health/ready").status_code == 200
        stored = client.post("/v1/long-term-memory/", json={"memories": memories, "deduplicate": False})
        assert [item["status"] for item in stored.json()["items"]] == ["created"] * 30
        asked = {"text": "tea", "limit": 100, "user_id": {"eq": "ann"}}
        assert client.post("/v1/long-term-memory/search", json=asked).json()["total"] == 30
        for n in range(5):
            messages = [{"role": "user", "content": f"Ann moved to Oslo {n}", "id": f"a{n}"}]
            session = {"messages": messages, "user_id": "ann"}
            assert client.put(f"/v1/working-memory/s{n}", json=session).status_code == 200
        end = time.monotonic() + BOUND_S
        while client.post("/v1/long-term-memory/search", json={"text": "Oslo", "limit": 100}).json()["total"] < 35:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert client.get("/v1/working-memory/", params={"user_id": "ann"}).json()["total"] == 5
        assert client.delete("/v1/long-term-memory", params={"memory_ids": ["m0", "m1", "m2"]}).status_code == 200
    assert "Indexed" in run(folder, "rebuild-index", env=env).stdout
    checks = json.loads(run(folder, "doctor", "--json", env=env).stdout)["checks"]
    content = next(check["detail"] for check in checks if check["name"] == "content")
    assert content == "32 memories, 5 sessions"
    assert sum(check["name"] == "redis" for check in checks) == 3

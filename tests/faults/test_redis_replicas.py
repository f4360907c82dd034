"""Two servers on one Redis, written to and searched at once, while Redis dies and comes back and then one of them dies:
every search finds what either had acknowledged before it began, and nothing that was deleted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.support.drills import eventually
from tests.support.processes import BOUND_S, Server, serving
from tests.support.redis_processes import PERSISTENT, Node, redis_processes

WRITES = 140 if os.environ.get("DRILLS") == "full" else 40
"""Of each server; a user has at most 100 at a time, as many as a page."""

USERS = ("ann", "bob")


@dataclass
class Ledger:
    """What is known to be stored by user, and what is known to be deleted."""

    stored: dict[str, set[str]] = field(default_factory=lambda: {user: set() for user in USERS})
    deleted: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    searches: int = 0
    over: bool = False

    def acknowledged(self) -> int:
        """How many records were stored."""
        return sum(map(len, self.stored.values())) + len(self.deleted)


@pytest.fixture
def node() -> Iterator[Node]:
    with redis_processes() as processes:
        yield processes.start(*PERSISTENT)


@pytest.fixture
def servers(node: Node, tmp_path: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        env = {"REDIS_URL": node.url, "USE_DOCKET": "false"}
        places = [tmp_path / name / "data" for name in ("one", "two")]
        for place in places:
            place.parent.mkdir()
        yield [stack.enter_context(serving(place, env=env)) for place in places]


def _client(server: Server) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=server.url, timeout=BOUND_S, trust_env=False)


async def _accepted(request: httpx2.Request, http: httpx2.AsyncClient) -> None:
    """Send it until it is accepted. Raises: TransportError, when the server is gone."""

    async def accepted() -> bool:
        return (await http.send(request)).status_code == 200

    await eventually(accepted)


async def _write(server: Server, name: str, ledger: Ledger) -> None:
    """Store records one by one, and delete every third again, until all are acknowledged or the server is gone."""
    async with _client(server) as http:
        for number in range(WRITES):
            user, id_ = USERS[number % 2], f"{name}-{number}"
            body = {"memories": [{"id": id_, "text": f"tea {id_}", "user_id": user}], "deduplicate": False}
            try:
                ledger.unsure.add(id_)
                await _accepted(http.build_request("POST", "/v1/long-term-memory/", json=body), http)
                ledger.stored[user].add(id_)
                ledger.unsure.discard(id_)
                if number % 3 == 2:
                    ledger.stored[user].discard(id_)
                    ledger.unsure.add(id_)
                    gone = http.build_request("DELETE", "/v1/long-term-memory", params={"memory_ids": id_})
                    await _accepted(gone, http)
                    ledger.unsure.discard(id_)
                    ledger.deleted.add(id_)
            except httpx2.TransportError:
                return


async def _search(server: Server, ledger: Ledger) -> None:
    async with _client(server) as http:
        while not ledger.over:
            for user in USERS:
                known, gone = set(ledger.stored[user]), set(ledger.deleted)
                body = {"text": "tea", "user_id": {"eq": user}, "limit": 100, "recency_boost": False}
                try:
                    answer = await http.post("/v1/long-term-memory/search", json=body)
                except httpx2.TransportError:
                    return
                if answer.status_code == 503:
                    await asyncio.sleep(0.02)
                    continue
                assert answer.status_code == 200, answer.text
                found = {memory["id"] for memory in answer.json()["memories"]}
                assert not gone & found
                assert known & ledger.stored[user] <= found  # but for what was deleted meanwhile
                ledger.searches += 1


async def test_replicas_see_all_that_was_acknowledged_through_both_kinds_of_death(
    node: Node, servers: list[Server]
) -> None:
    ledger = Ledger()
    one, two = servers

    async def half_way() -> bool:
        return ledger.acknowledged() >= WRITES // 2

    async def nearly_done() -> bool:
        return ledger.acknowledged() >= WRITES

    async with asyncio.TaskGroup() as group:
        searches = [group.create_task(_search(server, ledger)) for server in (one, one, two, two)]
        writes = [group.create_task(_write(server, name, ledger)) for server, name in ((one, "a"), (two, "b"))]
        await eventually(half_way)
        node.kill()
        await asyncio.sleep(0.2)
        await asyncio.to_thread(node.start_again)
        await eventually(nearly_done)
        two.kill()
        await asyncio.wait(writes)
        ledger.over = True
        await asyncio.wait(searches)
    assert ledger.searches
    async with _client(one) as http:
        for user in USERS:
            body = {"text": "tea", "user_id": {"eq": user}, "limit": 100}
            answer = (await http.post("/v1/long-term-memory/search", json=body)).json()
            found = {memory["id"] for memory in answer["memories"]}
            assert ledger.stored[user] <= found <= ledger.stored[user] | ledger.unsure
            assert answer["total"] == len(found)

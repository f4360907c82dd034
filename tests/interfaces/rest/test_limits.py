from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory_server.interfaces.rest.options import RestOptions
from tests.support.rest import Server, answered, serving

LIMIT = 4096


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, rest=RestOptions(max_body_bytes=LIMIT)) as running:
        yield running


def body_of(size: int) -> bytes:
    """A create request of exactly this many bytes."""
    empty = json.dumps({"memories": [{"id": "m", "text": ""}]})
    return json.dumps({"memories": [{"id": "m", "text": "x" * (size - len(empty))}]}).encode()


JSON = {"Content-Type": "application/json"}


async def test_a_body_of_the_largest_size_is_taken(small: Server) -> None:
    body = body_of(LIMIT)
    assert len(body) == LIMIT
    answered(await small.http.post("/v1/long-term-memory/", content=body, headers=JSON))


async def test_a_body_that_is_declared_too_large_is_refused(small: Server) -> None:
    response = await small.http.post("/v1/long-term-memory/", content=body_of(LIMIT + 1), headers=JSON)
    assert response.status_code == 413
    assert response.json() == {"detail": f"the request body is larger than {LIMIT} bytes", "code": "too_large"}


async def test_a_body_that_turns_out_too_large_is_refused_before_it_is_whole(small: Server) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * LIMIT:
            sent += 1024
            yield b" " * 1024

    response = await small.http.post("/v1/long-term-memory/", content=endless(), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert sent <= LIMIT + 1024


@pytest.mark.parametrize("headers", [JSON, {**JSON, "Idempotency-Key": "k"}])
async def test_nothing_of_a_body_that_is_too_large_is_stored(small: Server, headers: dict[str, str]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        body = body_of(2 * LIMIT)
        yield body[:LIMIT]
        yield body[LIMIT:]

    response = await small.http.post("/v1/long-term-memory/", content=parts(), headers=headers)
    assert response.status_code == 413
    assert (await small.app.memories.stats()).memories == 0

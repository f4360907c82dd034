"""A service that fails again and again is left alone for a while."""

from __future__ import annotations

import asyncio

import pytest

from agent_memory_server.adapters.providers.remote import RemoteEmbedder
from agent_memory_server.adapters.providers.wrappers.breaker import Breaker
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from tests.support.embedding_service import EmbeddingService


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def broken(service: EmbeddingService, remote: RemoteEmbedder, clock: Hands) -> Breaker:
    """A breaker that has just seen enough failures."""
    breaker = Breaker(remote, failures=3, cooldown_s=10, clock=clock)
    service.fail(500, times=3)
    for _ in range(3):
        with pytest.raises(Unavailable, match="HTTP 500"):
            await breaker.embed(["one"])
    return breaker


async def test_after_several_failures_the_service_is_left_alone(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    clock = Hands()
    breaker = await broken(service, remote, clock)
    clock.now = 9.9
    with pytest.raises(Unavailable, match=r"asked again in 0\.1 s; last: .*HTTP 500"):
        await breaker.embed(["one"])
    assert len(service.seen) == 3


async def test_after_the_pause_one_call_tries_and_the_others_still_fail_at_once(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    clock = Hands()
    breaker = await broken(service, remote, clock)
    await service.arrives(3)
    clock.now = 10.0
    service.hold.clear()
    probe = asyncio.ensure_future(breaker.embed(["probe"]))
    await service.arrives()
    with pytest.raises(Unavailable, match="under way"):
        await breaker.embed(["other"])
    service.hold.set()
    await probe
    await breaker.embed(["other"])
    assert service.asked[3:] == [["probe"], ["other"]]


async def test_a_probe_that_fails_begins_the_next_pause(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    clock = Hands()
    breaker = await broken(service, remote, clock)
    clock.now = 10.0
    service.fail(500)
    with pytest.raises(Unavailable, match="HTTP 500"):
        await breaker.embed(["probe"])
    clock.now = 19.9
    with pytest.raises(Unavailable, match="asked again"):
        await breaker.embed(["one"])
    assert len(service.seen) == 4


async def test_a_cancelled_probe_leaves_room_for_the_next(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    clock = Hands()
    breaker = await broken(service, remote, clock)
    await service.arrives(3)
    clock.now = 10.0
    service.hold.clear()
    probe = asyncio.ensure_future(breaker.embed(["probe"]))
    await service.arrives()
    probe.cancel()
    await asyncio.wait([probe])
    service.hold.set()
    await breaker.embed(["next"])


async def test_failures_count_only_in_a_row_and_a_refused_text_is_none(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    breaker = Breaker(remote, failures=2, cooldown_s=10)
    for status in (500, 400, 500):
        service.fail(status)
        with pytest.raises((Unavailable, InvalidRequest), match=f"HTTP {status}"):
            await breaker.embed(["one"])
    await breaker.embed(["one"])
    service.fail(500)
    with pytest.raises(Unavailable, match="HTTP 500"):
        await breaker.embed(["one"])
    await breaker.embed(["one"])

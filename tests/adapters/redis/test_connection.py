"""Connecting to Redis, and what is told when that does not work."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import Limits, open_client
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.tokens import RedisTokenStore
from agent_memory_server.adapters.redis.urls import Shape, address_of
from agent_memory_server.domain.errors import DeadlineExceeded, StartRefused, Unavailable

IMPATIENT = Limits(connect_s=1.0, answer_s=0.05, retries=0)


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("redis+cluster://a:1", Shape.CLUSTER),
        ("rediss+cluster://a:1", Shape.CLUSTER),
        ("redis://a:1?cluster=true", Shape.CLUSTER),
        ("redis://a:1,b:2", Shape.CLUSTER),
        ("redis://u:p,w@a:1", Shape.SERVER),
        ("redis://a:1?cluster=false", Shape.SERVER),
        ("unix:///tmp/redis.sock", Shape.SERVER),
        ("redis+sentinel://a,b:2/main", Shape.SENTINEL),
    ],
)
def test_a_url_tells_what_is_behind_it(url: str, shape: Shape) -> None:
    assert address_of(url).shape is shape


def test_a_url_of_a_cluster_names_its_first_nodes_and_how_to_reach_them() -> None:
    found = address_of("rediss+cluster://ada:se%2Ccret@a:1,b,[::1]:3?ssl_cert_reqs=none")
    assert found.hosts == [("a", 1), ("b", 6379), ("::1", 3)]
    expected = {"username": "ada", "password": "se,cret", "ssl": True, "ssl_cert_reqs": "none"}
    assert expected.items() <= found.options.items()


def test_a_url_of_sentinels_names_the_service_and_may_name_a_database_and_their_password() -> None:
    found = address_of("redis+sentinel://:secret@a,b:2/main/3?sentinel_password=other")
    assert (found.hosts, found.service) == ([("a", 26379), ("b", 2)], "main")
    assert (found.options["password"], found.options["db"], found.sentinel_password) == ("secret", 3, "other")


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://a:1/3", "redis://a:1,", "http://a", "", "redis://a:port", "redis+sentinel://a:1",
        "redis+sentinel://a:port/main", "unix+cluster:///tmp/x",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_refuses_the_start_with_the_settings_name(url: str) -> None:
    with pytest.raises(StartRefused, match="REDIS_URL"):
        _ = open_client(url)


async def test_a_server_that_is_not_there_is_an_outage_and_no_empty_answer() -> None:
    async with open_client("redis://127.0.0.1:1", IMPATIENT) as client:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await RedisTokenStore(client).list()


async def test_an_answer_that_takes_too_long_is_told_as_such(redis_url: str) -> None:
    async with open_client(redis_url, IMPATIENT) as client:
        with pytest.raises(DeadlineExceeded), translating():
            await client.blpop(["agent-memory:nothing"], timeout=5)


async def test_wrong_credentials_are_told_without_quoting_them(redis_url: str) -> None:
    # Not by `async with`: entering that connects to a cluster.
    client = open_client(redis_url.replace("://", "://nobody:secret@"), IMPATIENT)
    try:
        with pytest.raises(Unavailable) as caught:
            await RedisTokenStore(client).list()
    finally:
        await client.aclose()
    assert "credentials" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_more_commands_than_connections_wait_their_turn(redis_url: str) -> None:
    async with open_client(redis_url, Limits(connections=2)) as client:
        store = RedisTokenStore(client)
        assert await _many(store, client) == [None] * 50


async def _many(store: RedisTokenStore, client: Redis) -> list[object]:
    await client.ping()
    return list(await asyncio.gather(*(store.find(f"{n}") for n in range(50))))


@pytest.mark.parametrize("ends_with", [None, TimeoutError("too late")])
async def test_a_cancellation_that_the_driver_swallows_is_one_nevertheless(ends_with: Exception | None) -> None:
    begun = asyncio.Event()

    async def swallowing() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if ends_with is not None:
                raise ends_with from None

    async def call() -> None:
        with translating():
            await swallowing()

    calling = asyncio.ensure_future(call())
    await begun.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_what_is_awaited_after_a_cancellation_is_not_cancelled_by_it() -> None:
    cleaned_up = False

    async def call() -> None:
        nonlocal cleaned_up
        try:
            await asyncio.Event().wait()
        finally:
            with translating():
                await asyncio.sleep(0)
            cleaned_up = True

    calling = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert cleaned_up

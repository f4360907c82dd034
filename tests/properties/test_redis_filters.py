"""Filters as queries of the Redis index select exactly the records that `domain.filters.matches` selects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.domain.filters import Filter, matches
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Order, Page
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.properties.test_filters import filters, memories, scopes


@dataclass(frozen=True, slots=True)
class _Engine:
    runner: asyncio.Runner
    store: RedisMemoryStore

    def listed(self, records: list[Memory], scope: Scope, filter_: Filter, order: Order) -> tuple[list[Memory], Page]:
        """Store these records alone; all that is stored, and the page of the filter."""
        return self.runner.run(self._listed(records, scope, filter_, order))

    async def _listed(
        self, records: list[Memory], scope: Scope, filter_: Filter, order: Order
    ) -> tuple[list[Memory], Page]:
        await self.store.put(EVERYWHERE, [MemoryWrite(memory=memory) for memory in records], now=0.0)
        ids = [memory.id for memory in records]
        try:
            versions = [f"{id_}@{number}" for id_ in ids for number in range(1, len(ids))]
            return await self.store.get(EVERYWHERE, [*ids, *versions]), await self.store.list(
                scope, filter_, order=order, limit=100
            )
        finally:
            await self.store.delete(EVERYWHERE, ids)


@pytest.fixture(scope="module")
def engine(redis_url: str) -> Iterator[_Engine]:
    with asyncio.Runner() as runner:
        client = runner.run(_opened(redis_url))
        try:
            yield _Engine(runner, client[1])
        finally:
            runner.run(client[0].aclose())


async def _opened(url: str) -> tuple[Redis, RedisMemoryStore]:
    client = open_client(url)
    await client.flushall()
    options = IndexOptions(dimensions=4)
    await ensure_index(client, options)
    return client, RedisMemoryStore(client, options)


@settings(
    max_examples=300,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    records=st.lists(memories(), min_size=1, max_size=8), filter_=filters, scope=scopes, order=st.sampled_from(Order)
)
def test_a_listing_holds_exactly_the_records_of_scope_and_filter_in_order(
    engine: _Engine, records: list[Memory], filter_: Filter, scope: Scope, order: Order
) -> None:
    stored, page = engine.listed(records, scope, filter_, order)
    assert {memory.id for memory in stored if not memory.superseded_by} == {memory.id for memory in records}
    expected = [m for m in stored if scope.allows(m.namespace, m.user_id) and matches(filter_, m)]
    by_id = sorted(expected, key=lambda memory: memory.id)
    ordered = by_id if order is Order.STORED else sorted(by_id, key=lambda memory: -memory.created_at)
    assert list(page.memories) == ordered
    assert page.total == len(ordered)


@settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(records=st.lists(memories(), min_size=1, max_size=8, unique_by=lambda memory: memory.id))
def test_a_record_is_read_back_exactly(engine: _Engine, records: list[Memory]) -> None:
    stored, _ = engine.listed(records, EVERYWHERE, Filter(), Order.STORED)
    assert stored == records

"""The contract of `SessionStore` for sessions whose records lie in a store of another package."""

from __future__ import annotations

from typing import cast

import pytest

from agent_memory_server.adapters.plugged.session_store import PluggedSessionStore
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.ports.memory_store import MemoryStore
from tests.contract.conftest import Engine
from tests.contract.test_session_append import *  # noqa: F403 - the same tests on another engine
from tests.contract.test_session_extraction import *  # noqa: F403
from tests.contract.test_session_folding import *  # noqa: F403
from tests.contract.test_session_records import *  # noqa: F403


@pytest.fixture
def engine(database: Database, redis_records: RedisMemoryStore) -> Engine:
    memories = cast("MemoryStore", redis_records)
    return Engine(memories=memories, sessions=PluggedSessionStore(SqliteSessionStore(database), memories))

"""A store of another package for long-term records: what is refused at the start, and that sessions use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.adapters.plugged.load import load_store
from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.compose.application import application
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, SessionKey
from agent_memory_server.ports.memory_store import MemoryWrite
from agent_memory_server.settings import load
from tests.support import other_store
from tests.support.processes import environment

HERE = other_store.__name__


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no_such_package.make", "cannot be imported"),
        (f"{HERE}.nothing", "cannot be imported"),
        (f"{HERE}.fail", "RuntimeError: no such service"),
        (f"{HERE}.half", "lacks delete, get"),
    ],
)
def test_what_makes_no_store_refuses_the_start_and_says_why(path: str, told: str) -> None:
    with pytest.raises(StartRefused, match=told) as refused:
        load_store(path, DeterministicEmbedder(8))
    assert path in str(refused.value)


async def test_records_lie_there_and_sessions_here(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_store, "URL", redis_url)
    given = environment(tmp_path / "data", {"MEMORY_VECTOR_DB_FACTORY": f"{HERE}.make"})
    settings = load(given, dotenv=tmp_path / "none").settings
    key = SessionKey("team", "ann", "s1")
    said = Message(id="m1", role="user", content="I like tea", created_at=1.0)
    memory = Memory(
        id="m1", text="user: I like tea", created_at=1.0, updated_at=1.0, last_accessed=1.0,
        namespace="team", user_id="ann", session_id="s1",
    )  # fmt: skip
    async with open_client(redis_url) as client, application(settings) as app:
        await client.flushall()
        await ensure_index(client, IndexOptions(dimensions=app.embedder.dimensions))
        await app.sessions.append(EVERYWHERE, key, [said], now=2.0, records=[MemoryWrite(memory=memory)])
        assert [found.text for found in await app.memories.get(EVERYWHERE, ["m1"])] == [memory.text]
        assert await client.keys("working_memory:*") == []
        assert await client.exists("memory_idx:m1")
        assert (await app.memories.stats()).engine == "redis"
        assert await app.sessions.get(EVERYWHERE, key, now=2.0) is not None
    assert (tmp_path / "data").exists()

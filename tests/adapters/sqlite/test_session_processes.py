"""Sessions written by several processes on one data folder."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import SessionKey

KEY = SessionKey("n", "u", "s")
TURNS = 60
APPEND = """
import asyncio, sys
from pathlib import Path
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, SessionKey

async def main(folder, name, turns):
    database = await Database.open(DataFolder(path=Path(folder), dimensions=8))
    sessions = SqliteSessionStore(database)
    for turn in range(int(turns)):
        message = Message(id=f"{name}{turn}", role="user", content=name, created_at=float(turn))
        await sessions.append(EVERYWHERE, SessionKey("n", "u", "s"), [message], now=1.0)
    await database.close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(*sys.argv[1:]))
"""


def append_from_two_processes(folder: Path) -> None:
    command = [sys.executable, "-c", APPEND, str(folder)]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen([*command, name, str(TURNS)], stdin=pipe, stdout=pipe, stderr=pipe) for name in "ab"]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    errors = [writer.communicate()[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], errors


async def test_two_processes_that_append_to_one_session_lose_nothing_and_keep_their_order(tmp_path: Path) -> None:
    await asyncio.to_thread(append_from_two_processes, tmp_path)
    database = await Database.open(DataFolder(path=tmp_path, dimensions=8))
    session = await SqliteSessionStore(database).get(EVERYWHERE, KEY, now=1.0)
    await database.close()
    assert session is not None
    order = [message.id for message in session.messages]
    assert len(order) == 2 * TURNS == session.message_count == session.revision
    for name in "ab":
        assert [id_ for id_ in order if id_[0] == name] == [f"{name}{turn}" for turn in range(TURNS)]

"""export and import: everything from one data folder to another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.compose.application import application
from agent_memory_server.domain.filters import PAST_TOO
from agent_memory_server.domain.memory import Memory, Superseding
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.domain.token import Token
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.memory_store import MemoryWrite, Supersession
from agent_memory_server.settings import load
from tests.support.processes import environment, run, serving
from tests.support.redis_processes import redis_processes

NOW = 1_700_000_000.0
RECORDS = 1203
"""More than two pages, of which the last is not full."""
SESSIONS = 150
"""More than one checkpoint."""


@dataclass(frozen=True)
class Content:
    """All that a store holds, in an order of its own; `revision` of sessions counts the changes in one store."""

    memories: Sequence[Memory]
    vectors: dict[str, bytes]
    sessions: Sequence[Session]
    tokens: Sequence[Token]


async def _content(app: Application) -> Content:
    page = await app.memories.list(EVERYWHERE, PAST_TOO, order=Order.STORED, limit=10 * RECORDS)
    vectors = await app.memories.vectors([memory.id for memory in page.memories])
    keys = await app.sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=1000, offset=0, now=app.clock())
    found = [await app.sessions.get(EVERYWHERE, key, now=app.clock()) for key in keys.keys]
    sessions = [replace(session, revision=0, owed_since=None) for session in found if session is not None]
    return Content(
        page.memories, {id_: vector.tobytes() for id_, vector in vectors.items()}, sessions, await app.tokens.list()
    )


def _in(folder: Path, work: Any, *, embedding: bool = False, env: Mapping[str, str] | None = None) -> Any:
    async def opened() -> Any:
        settings = load(environment(folder, env), dotenv=folder / "none").settings
        async with application(settings, embedding=embedding) as app:
            return await work(app)

    return asyncio.run(opened())


def content(folder: Path, env: Mapping[str, str] | None = None) -> Content:
    found: Content = _in(folder, _content, env=env)
    return found


def _record(number: int) -> Memory:
    return Memory(
        id=f"r{number:05}",
        text=f"memory {number} ☃ 日本 \x00 '\"\n",
        created_at=NOW + number / 7,
        updated_at=NOW + number,
        last_accessed=NOW + number,
        namespace=("", "team", "a,b|c")[number % 3],
        user_id=("", "ann")[number % 2],
        session_id=f"s{number % 5}",
        topics=("tea", f"t{number % 4}"),
        entities=("Ann é",),
        metadata={"n": number, "deep": [None, 0.1, {"x": "☃"}]},
        pinned=number % 10 == 0,
        access_count=number,
        event_date=NOW if number % 2 else None,
    )


async def _fill(app: Application) -> None:
    records = [_record(number) for number in range(RECORDS)]
    vectors = await app.embedder.embed([record.text for record in records])
    owed = {5, 700}
    writes = [
        MemoryWrite(memory=record, vector=None if number in owed else vector)
        for number, (record, vector) in enumerate(zip(records, vectors, strict=True))
    ]
    await app.memories.put(EVERYWHERE, writes, now=NOW)
    (first, old, new) = await app.memories.get(EVERYWHERE, ["r00001", "r00007", "r00013"])
    edited = replace(first, text="another text", updated_at=NOW + 9, memory_hash="")
    await app.memories.update(EVERYWHERE, edited, if_revision=1, vector=vectors[0], text_changed=True)
    step = Supersession(by=new, gone=[(old.id, old.revision)], because=Superseding.CONTRADICTED, at=NOW + 99)
    await app.memories.supersede(EVERYWHERE, step)
    for number in range(SESSIONS):
        await app.sessions.put(EVERYWHERE, _session(number), now=app.clock())
    await app.tokens.add(
        Token(digest="ab" * 32, description="é", created_at=NOW, expires_at=NOW + 1, scope=Scope(frozenset({"team"})))
    )


def _session(number: int) -> Session:
    said = (
        Message(id="m1", role="user", content="é ☃ \x00", created_at=NOW + 1.25, persisted_at=NOW),
        Message(id="m0", role="assistant", content="b", created_at=NOW, discrete_memory_extracted=True),
    )
    return Session(
        key=SessionKey("team", ("", "ann")[number % 2], f"s{number}"),
        created_at=NOW + number,
        updated_at=NOW + number,
        last_accessed=NOW,
        messages=said[: number % 3],
        memories=(_record(number),) if number % 4 == 0 else (),
        data={"a": [1, 2.5, None]},
        context="so far",
        tokens=number,
        strategy=Strategy(name="custom", config={"prompt": "y"}),
        ttl_seconds=10**6 if number % 2 else None,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full data folder. Tests read it."""
    folder = tmp_path_factory.mktemp("source") / "data"
    _in(folder, _fill, embedding=True)
    return folder


@pytest.fixture(scope="module")
def exported(source: Path) -> Path:
    """The export of it, with tokens. Tests read it."""
    file = source.parent / "all.jsonl"
    done = run(source, "export", str(file), "--tokens")
    assert done.returncode == 0, done.stderr
    assert f"Exported {RECORDS + 1} memories" in done.stdout
    return file


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_everything_arrives_and_a_second_import_changes_nothing(source: Path, exported: Path, folder: Path) -> None:
    before = content(source)
    assert len(before.memories) == RECORDS + 1
    assert len(before.sessions) == SESSIONS
    head = _lines(exported)[0]
    assert (head["kind"], head["format"], head["records"], head["sessions"]) == ("header", 1, RECORDS + 1, SESSIONS)
    assert exported.stat().st_mode & 0o077 == 0
    done = run(folder, "import", str(exported))
    assert done.returncode == 0, done.stderr
    after = content(folder)
    owed = set(after.vectors) - set(before.vectors)
    assert owed == {"r00005", "r00700"}, "the two that were owed, and no others, were computed"
    assert {id_: after.vectors[id_] for id_ in before.vectors} == before.vectors
    assert replace(after, vectors=before.vectors) == before
    again = run(folder, "import", str(exported))
    assert again.returncode == 0, again.stderr
    assert f"There already: {RECORDS + 1 + SESSIONS + 1}." in again.stdout
    assert content(folder) == after


def test_everything_arrives_in_redis_and_comes_back(source: Path, exported: Path, tmp_path: Path, folder: Path) -> None:
    before = content(source)
    there, back = tmp_path / "there" / "data", tmp_path / "back.jsonl"
    there.parent.mkdir()
    with redis_processes() as processes:
        env = {"REDIS_URL": processes.start().url}
        done = run(there, "import", str(exported), env=env)
        assert done.returncode == 0, done.stderr
        again = run(there, "import", str(exported), env=env)
        assert f"There already: {RECORDS + 1 + SESSIONS + 1}." in again.stdout
        on_redis = content(there, env)
        assert set(on_redis.vectors) - set(before.vectors) == {"r00005", "r00700"}, "those that were owed"
        vectors = {id_: on_redis.vectors[id_] for id_ in before.vectors}
        assert replace(on_redis, vectors=vectors) == before
        assert run(there, "export", str(back), "--tokens", env=env).returncode == 0
    assert not there.exists()
    assert run(folder, "import", str(back)).returncode == 0
    assert content(folder) == on_redis


@pytest.mark.parametrize("share", [0.3, 0.97])
def test_a_cut_off_export_is_resumed(source: Path, exported: Path, tmp_path: Path, share: float) -> None:
    whole = exported.read_bytes()
    file = tmp_path / "cut.jsonl"
    file.write_bytes(whole[: int(len(whole) * share)])
    done = run(source, "export", str(file), "--resume")
    assert done.returncode == 0, done.stderr

    def told(path: Path) -> list[dict[str, Any]]:
        return [line for line in _lines(path) if line["kind"] != "checkpoint"]

    assert told(file) == told(exported)
    assert run(source, "export", str(file), "--resume").returncode == 1, "it is complete"
    assert run(source, "export", str(file)).returncode == 1, "it is there"


def test_a_cut_off_file_is_taken_in_as_far_as_it_goes_and_completed_later(
    source: Path, exported: Path, tmp_path: Path, folder: Path
) -> None:
    whole = exported.read_bytes()
    file = tmp_path / "cut.jsonl"
    file.write_bytes(whole[: len(whole) // 2])
    done = run(folder, "import", str(file))
    assert done.returncode == 1
    assert "ends before the end" in done.stderr
    assert 0 < len(content(folder).memories) < RECORDS
    assert run(folder, "import", str(exported)).returncode == 0
    assert content(folder).memories == content(source).memories


def test_a_wrong_line_is_named_and_leaves_the_others_alone(exported: Path, tmp_path: Path, folder: Path) -> None:
    lines = exported.read_bytes().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(b'{"kind":"record"'))
    wrong = json.loads(lines[place])
    wrong["record"]["created_at"] = "SECRET"
    lines[place] = json.dumps(wrong).encode()
    lines[place + 1] = b"{"
    lines[place + 2] = lines[place + 2].replace(b'"vector":"', b'"vector":"AAAA')
    file = tmp_path / "wrong.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    done = run(folder, "import", str(file))
    assert done.returncode == 1
    for number in (place + 1, place + 2, place + 3):
        assert f"Line {number}: " in done.stderr
    assert "created_at" in done.stderr
    assert "SECRET" not in done.stderr
    assert len(content(folder).memories) == RECORDS + 1 - 3


def test_a_file_that_is_no_export_changes_nothing(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"kind":"end","records":0,"sessions":0}\n')
    done = run(folder, "import", str(file))
    assert done.returncode == 1
    assert "header" in done.stderr


def test_embeddings_of_another_model_are_computed_again(
    source: Path, exported: Path, tmp_path: Path, folder: Path
) -> None:
    first, *others = exported.read_bytes().splitlines(keepends=True)
    head = json.loads(first)
    head["embedding"]["model"] = "another"
    file = tmp_path / "another.jsonl"
    file.write_bytes(json.dumps(head).encode() + b"\n" + b"".join(others))
    done = run(folder, "import", str(file))
    assert done.returncode == 0, done.stderr
    assert "embeddings of another" in done.stderr
    assert set(content(folder).vectors) == {memory.id for memory in content(source).memories}


def test_both_work_while_servers_run_and_what_differs_stays(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "file.jsonl"
    other = tmp_path / "other" / "data"
    other.parent.mkdir()
    mine = {"id": "m1", "text": "Ada plays the cello.", "namespace": "home"}
    theirs = {"id": "m1", "text": "Ada plays the flute.", "namespace": "home"}
    more = {"id": "m2", "text": "Bob plays chess."}
    with serving(folder) as server, server.client() as http:
        http.post("/v1/long-term-memory/", json={"memories": [mine, more]}).raise_for_status()
        assert run(folder, "export", str(file), "--embeddings", "recompute").returncode == 0
    assert not any(line.get("vector") for line in _lines(file))
    with serving(other) as server, server.client() as http:
        http.post("/v1/long-term-memory/", json={"memories": [theirs]}).raise_for_status()
        done = run(other, "import", str(file))
        assert done.returncode == 0, done.stderr
        assert "left alone: 1 memories" in done.stderr
        assert http.get("/v1/long-term-memory/m1").json()["text"] == theirs["text"]
        found = http.post("/v1/long-term-memory/search", json={"text": "Bob plays chess."}).json()
        assert found["memories"][0]["id"] == "m2"

"""`agent-memory task-worker` and `schedule-task`: background work in processes of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.chat_service import ChatService, chat_service
from tests.support.mcp import client
from tests.support.processes import run, serving, working
from tests.support.waiting import until

SOON = {"EXTRACTION_DEBOUNCE_SECONDS": "0"}
SESSION = "/v1/working-memory/talk"


@pytest.fixture
def model() -> Iterator[ChatService]:
    with chat_service() as service:
        yield service


def asking(model: ChatService) -> dict[str, str]:
    """Settings of processes that ask this model."""
    return SOON | {"GENERATION_MODEL": "openai/some-model", "OPENAI_API_BASE": model.url, "OPENAI_API_KEY": "key"}


def talk(http: httpx2.Client) -> None:
    messages = [{"id": "m1", "role": "user", "content": "I live in Lisbon."}]
    http.put(SESSION, json={"messages": messages, "user_id": "ann"}).raise_for_status()


def records(http: httpx2.Client, type_: str) -> list[dict[str, Any]]:
    body = {"text": None, "memory_type": {"eq": type_}, "limit": 100}
    found: list[dict[str, Any]] = (
        http.post("/v1/long-term-memory/search", json=body).raise_for_status().json()["memories"]
    )
    return found


def status(folder: Path) -> dict[str, int]:
    counted: dict[str, int] = json.loads(run(folder, "jobs", "status", "--json").stdout)
    return counted


async def test_with_docket_a_server_only_queues_and_a_task_worker_does_the_work(folder: Path) -> None:
    with serving(folder, "--task-backend", "docket", env=SOON) as server, server.client() as http:
        talk(http)

        async def queued() -> bool:
            return bool(http.get("/v1/jobs").json()["waiting"] >= 2)  # to embed, and to read

        await until(queued)
        assert http.get("/v1/health/ready").json()["status"] == "degraded"
        with working(folder, env=SOON) as worker:

            async def read_and_embedded() -> bool:
                body = {"text": "Lisbon", "search_mode": "semantic", "limit": 100}
                found = http.post("/v1/long-term-memory/search", json=body).raise_for_status().json()
                return bool(records(http, "semantic")) and "degraded" not in found

            await until(read_and_embedded)
            assert http.get("/v1/health/ready").json()["status"] == "ready"
            assert worker.stop() == 0
            assert http.get("/v1/jobs").json()["workers"] == 0
        assert server.stop() == 0


async def test_work_that_comes_by_mcp_is_queued_as_well(folder: Path) -> None:
    with serving(folder, "--mode", "streamable-http", "--task-backend", "docket", door="mcp", env=SOON) as server:
        async with client(server.url, "legacy") as tools:
            message = {"role": "user", "content": "I live in Lisbon."}
            told = await tools.call_tool("set_working_memory", {"session_id": "talk", "messages": [message]})
            assert not told.is_error

        async def queued() -> bool:
            return status(folder)["waiting"] >= 2  # to embed, and to read

        await until(queued)


async def test_told_to_stop_a_worker_lets_a_running_job_end_or_hands_it_back(folder: Path, model: ChatService) -> None:
    model.answer({"memories": []})
    model.hold.clear()
    env = asking(model)

    async def asked() -> bool:
        return bool(model.asked)

    with serving(folder, "--task-backend", "docket", env=env) as server, server.client() as http:
        talk(http)
        server.stop()
    with working(folder, "--concurrency", "3", env={**env, "WORKER_DRAIN_SECONDS": "0"}) as worker:
        assert worker.greeting[-1].split() == ["At", "once", "3", "jobs"]
        await until(asked)
        assert worker.stop() == 0
        assert "job.handed_back" in worker.errors.read_text()
    assert status(folder)["running"] == 0
    model.asked.clear()
    with working(folder, env={**env, "WORKER_DRAIN_SECONDS": "60"}) as worker:
        await until(asked)
        worker.process.terminate()

        async def draining() -> bool:
            return "worker.draining" in worker.errors.read_text()

        await until(draining)
        model.hold.set()
        assert worker.process.wait(60) == 0
    assert status(folder)["running"] == 0
    assert "extract_session" not in run(folder, "jobs", "dead").stdout


async def test_a_server_that_is_told_to_stop_lets_its_running_job_end(folder: Path, model: ChatService) -> None:
    model.answer({"memories": []})
    model.hold.clear()

    async def asked() -> bool:
        return bool(model.asked)

    with serving(folder, "--task-backend", "asyncio", env=asking(model)) as server, server.client() as http:
        talk(http)
        await until(asked)
        server.process.terminate()

        async def draining() -> bool:
            return "worker.draining" in server.errors.read_text()

        await until(draining)
        model.hold.set()
        assert server.process.wait(60) == 0
    assert status(folder)["running"] == 0


def test_a_worker_does_not_start_where_the_queue_is_disabled(folder: Path) -> None:
    done = run(folder, "task-worker", env={"USE_DOCKET": "false"})
    assert done.returncode == 1
    assert "Docket is disabled in settings. Cannot run worker." in done.stderr
    assert not folder.exists()


def test_a_task_is_queued_by_its_kind_or_by_the_path_it_has_in_the_reference_server(folder: Path) -> None:
    for args in (
        ["agent_memory_server.long_term_memory.compact_long_term_memories"],
        ["extract_session", "--args", "session_id=talk", "-a", "user_id=ann"],
    ):
        done = run(folder, "schedule-task", *args)
        assert (done.returncode, done.stdout) == (0, f"Queued {args[0]}.\n"), done.stderr
    assert status(folder)["waiting"] == 2


def test_a_task_that_cannot_be_queued_is_one_line_and_status_1(folder: Path) -> None:
    for args, reason in (
        (["extract_session", "-a", "session_id"], "Invalid argument format: session_id"),
        (["os.system"], "Error importing task: no task is called 'os.system'; there are consolidate, "),
    ):
        done = run(folder, "schedule-task", *args)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert reason in done.stderr

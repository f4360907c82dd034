"""The queue of background work alone, on both engines: jobs a second that are queued, and done by one and by two worker
processes whose jobs do nothing; and how long the jobs of a worker that is killed wait for another.

Each engine is the one that a server would use, with its durability: a data folder, and a Redis of its own with an
append-only file that is written every second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from agent_memory_server.compose.application import Opened, opened
from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import Job
from agent_memory_server.settings import load
from agent_memory_server.telemetry.log import configure_log
from benchmarks.redis_server import redis_server

_KIND = "nothing"
_WRITERS = 16
_HELD = 10
_LEASE_S = 5.0
_POLL_S = 0.02


@contextlib.asynccontextmanager
async def _opened(settings: Mapping[str, str]) -> AsyncIterator[Opened]:
    loaded = load({"PATH": os.environ["PATH"], **settings}, dotenv=Path("none"))
    configure_log(loaded.settings.log)
    async with opened(loaded.settings, embedding=False, claim=False) as running:
        yield running


async def _work(settings: Mapping[str, str], *, hold: bool) -> None:
    """Be a worker until the process is ended. hold: its jobs never end."""

    async def nothing(app: Application, arguments: Mapping[str, str]) -> None:  # noqa: ARG001 - a handler is given them
        if hold:
            await asyncio.Event().wait()

    async with _opened(settings) as running:
        options = replace(WorkerOptions(), lease_s=_LEASE_S)
        worker = Worker(running.app, running.claims, options=options, handlers={_KIND: nothing})
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await worker.run()


def _begin(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None  # noqa: S101 - for the type checker
    worker.stdin.write("begin\n")
    worker.stdin.flush()


@contextlib.contextmanager
def _worker(settings: Mapping[str, str], *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.queue_throughput", "--work", json.dumps(dict(settings)), *options]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603 - ours
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


async def _queued(running: Opened, first: int, count: int, writers: int) -> float:
    """Queue so many jobs, from so many writers at once; jobs a second."""
    numbers = iter(range(first, first + count))

    async def write() -> None:
        for number in numbers:
            await running.app.jobs.add(Job(kind=_KIND, key=str(number), arguments={"id": str(number)}), due=0)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(write())
    return count / (time.perf_counter() - began)


async def _until(running: Opened, *, held: int = 0) -> None:
    """Wait until none waits and so many run. Raises: SystemExit, when one was given up."""
    while (figures := await running.app.jobs.figures()).waiting or figures.running != held:
        if figures.dead:
            raise SystemExit(f"{figures.dead} jobs were given up")
        await asyncio.sleep(_POLL_S)


async def _done(running: Opened, settings: Mapping[str, str], jobs: int, workers: int) -> float:
    """Jobs a second that so many workers do, which begin at the same time."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(_worker(settings)) for _ in range(workers)]
        began = time.perf_counter()
        for each in started:
            _begin(each)
        await _until(running)
        return jobs / (time.perf_counter() - began)


async def _taken_over(running: Opened, settings: Mapping[str, str]) -> float:
    """Seconds from killing a worker that holds jobs until another one, which waits, has done them all."""
    with _worker(settings, "--hold") as first, _worker(settings) as other:
        await _queued(running, 0, _HELD, 1)
        _begin(first)
        await _until(running, held=_HELD)
        _begin(other)
        first.kill()
        killed = time.perf_counter()
        await _until(running)
        return time.perf_counter() - killed


async def _measured(settings: Mapping[str, str], jobs: int) -> dict[str, float]:
    async with _opened(settings) as running:
        one = await _queued(running, 0, jobs, 1)
        many = await _queued(running, jobs, jobs, _WRITERS)
        done_by_one = await _done(running, settings, 2 * jobs, 1)
        await _queued(running, 0, 2 * jobs, _WRITERS)
        done_by_two = await _done(running, settings, 2 * jobs, 2)
        found = {
            "queued by one writer, jobs/s": one,
            f"queued by {_WRITERS} writers, jobs/s": many,
            "done by one worker, jobs/s": done_by_one,
            "done by two workers, jobs/s": done_by_two,
            f"taken over after kill -9, lease of {_LEASE_S:g} s, s": await _taken_over(running, settings),
        }
    return {name: round(value, 2 if value < 100 else None) for name, value in found.items()}


def main() -> None:
    """Print each engine's rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000, help="half of those that are done in each step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", help=argparse.SUPPRESS)  # this process is a worker with these settings
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(_work(json.loads(options.work), hold=options.hold))
        return
    rounds: dict[str, list[dict[str, float]]] = {"data folder": [], "redis": []}
    for number in range(options.rounds):
        for engine, found in rounds.items():  # in turn, so that other load meets both
            with contextlib.ExitStack() as stack:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-memory-bench-"))
                settings = {"MEMORY_DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
                if engine == "redis":
                    settings["REDIS_URL"] = stack.enter_context(redis_server()).url
                found.append(asyncio.run(_measured(settings, options.jobs)))
            print(f"round {number + 1}, {engine}: {json.dumps(found[-1])}")
    result = {
        engine: {name: statistics.median(one[name] for one in found) for name in found[0]}
        for engine, found in rounds.items()
    }
    print(json.dumps({"median": result, "load": os.getloadavg()[0]}, indent=2))
    if options.json:
        options.json.write_text(json.dumps({"median": result, "rounds": rounds}, indent=2))


if __name__ == "__main__":
    main()

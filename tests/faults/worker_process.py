"""A worker process for the drills: runs jobs of kind `work` on a folder. `hold` stays in the first job for ever."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.operations.application import Application
from agent_memory_server.telemetry.log import configure_log
from agent_memory_server.telemetry.settings import LogSettings
from tests.support.jobs import queue_of
from tests.support.rest import application

OPTIONS = WorkerOptions(lease_s=2, poll_s=0.05)


async def hold(_app: Application, arguments: Mapping[str, str]) -> None:
    os.write(1, f"{arguments['n']}\n".encode())
    await asyncio.Event().wait()


async def tell(_app: Application, arguments: Mapping[str, str]) -> None:
    os.write(1, f"{arguments['n']}\n".encode())


async def main(folder: Path, behaviour: str) -> None:
    async with application(folder) as app:
        handler = {"hold": hold, "tell": tell}[behaviour]
        await Worker(app, queue_of(app), options=OPTIONS, handlers={"work": handler}).run()


if __name__ == "__main__":
    configure_log(LogSettings())
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

"""Which function runs a job: one line for each kind.

A handler is given the application and the job's arguments (ids; it reads the state it works on). It may be called
again for work that is done, or half done: it looks first. What it raises decides what becomes of the job
(`outcome.VERDICTS`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.worker.schedule import PERIODIC, run_periodic
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.extract import extract_session
from agent_memory_server.operations.extraction_queue import KIND as EXTRACT_SESSION
from agent_memory_server.operations.summarize import KIND as SUMMARIZE_SESSION
from agent_memory_server.operations.summarize import summarize_session

Handler = Callable[[Application, Mapping[str, str]], Awaitable[object]]


async def _extract_session(app: Application, arguments: Mapping[str, str]) -> None:
    key = SessionKey(arguments["namespace"], arguments["user_id"], arguments["session_id"])
    await extract_session(app, key)


async def _summarize_session(app: Application, arguments: Mapping[str, str]) -> None:
    key = SessionKey(arguments["namespace"], arguments["user_id"], arguments["session_id"])
    await summarize_session(app, key, int(arguments["limit"]))


HANDLERS: dict[str, Handler] = {
    **{periodic.kind: run_periodic(periodic) for periodic in PERIODIC},
    EXTRACT_SESSION: _extract_session,
    SUMMARIZE_SESSION: _summarize_session,
}

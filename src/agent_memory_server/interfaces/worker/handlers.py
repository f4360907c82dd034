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
from agent_memory_server.operations.label import KIND as LABEL_MEMORIES
from agent_memory_server.operations.label import label
from agent_memory_server.operations.soon import periodic_job
from agent_memory_server.operations.summarize import KIND as SUMMARIZE_SESSION
from agent_memory_server.operations.summarize import summarize_session
from agent_memory_server.operations.upkeep import KIND as EMBED_OWED
from agent_memory_server.operations.upkeep import embed_all_owed
from agent_memory_server.operations.views import KIND as RUN_VIEW
from agent_memory_server.operations.views import run_task

Handler = Callable[[Application, Mapping[str, str]], Awaitable[object]]


async def _extract_session(app: Application, arguments: Mapping[str, str]) -> None:
    key = SessionKey(arguments["namespace"], arguments["user_id"], arguments["session_id"])
    await extract_session(app, key)


async def _label_memories(app: Application, arguments: Mapping[str, str]) -> None:  # noqa: ARG001 - a handler is given them
    await label(app)


async def _summarize_session(app: Application, arguments: Mapping[str, str]) -> None:
    key = SessionKey(arguments["namespace"], arguments["user_id"], arguments["session_id"])
    limit = arguments.get("limit")
    await summarize_session(app, key, None if limit is None else int(limit))


async def _embed_owed(app: Application, arguments: Mapping[str, str]) -> None:  # noqa: ARG001 - a handler is given them
    await embed_all_owed(app)


async def _run_view(app: Application, arguments: Mapping[str, str]) -> None:
    await run_task(app, arguments["task_id"])


HANDLERS: dict[str, Handler] = {
    **{periodic.kind: run_periodic(periodic) for periodic in PERIODIC},
    EMBED_OWED: _embed_owed,
    EXTRACT_SESSION: _extract_session,
    LABEL_MEMORIES: _label_memories,
    SUMMARIZE_SESSION: _summarize_session,
    RUN_VIEW: _run_view,
}

EXPRESS = ((EMBED_OWED, "all"), *((one.kind, periodic_job(one.kind).key) for one in PERIODIC if not one.asks))
"""Kinds and keys of all jobs that ask no chat model. A model that says nothing can hold every other job for minutes, so
these are run also when a worker has as many jobs as it may; there is one of each in the whole fleet."""

LONG = frozenset({RUN_VIEW, *(periodic.kind for periodic in PERIODIC)})
"""Kinds whose work grows with the whole store or a whole view: their attempts may take LONG_FACTOR times as long."""
LONG_FACTOR = 5.0

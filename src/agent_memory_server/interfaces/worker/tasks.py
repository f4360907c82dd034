"""Background work that an operator asks for by name.

The names are kinds of jobs. The functions of the reference server that stand for the same work, by their dotted paths,
are known too.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agent_memory_server.domain.errors import RequestRefused
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.worker.schedule import PERIODIC, Periodic, queue_now
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.extraction_queue import KIND as EXTRACT_SESSION
from agent_memory_server.operations.extraction_queue import extraction_job
from agent_memory_server.operations.label import KIND as LABEL_MEMORIES
from agent_memory_server.operations.label import label_job
from agent_memory_server.operations.summarize import KIND as SUMMARIZE_SESSION
from agent_memory_server.operations.summarize import summary_job
from agent_memory_server.operations.upkeep import KIND as EMBED_OWED
from agent_memory_server.operations.upkeep import queue_embedding
from agent_memory_server.operations.views import KIND as RUN_VIEW
from agent_memory_server.operations.views import start_run

Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """needs, takes: names of arguments that must and may be given; queue: queues the work."""

    queue: Callable[[Application, Arguments], Awaitable[object]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def _session(arguments: Arguments) -> SessionKey:
    return SessionKey(arguments.get("namespace", ""), arguments.get("user_id", ""), arguments["session_id"])


async def _extract(app: Application, arguments: Arguments) -> None:
    await app.jobs.add(extraction_job(_session(arguments)), due=app.clock())


async def _summarize(app: Application, arguments: Arguments) -> None:
    limit = arguments.get("limit")
    if limit is not None and not (limit.isascii() and limit.isdigit()):
        raise RequestRefused(f"limit={limit} must be a number of tokens")
    await app.jobs.add(summary_job(_session(arguments), None if limit is None else int(limit)), due=app.clock())


async def _run_view(app: Application, arguments: Arguments) -> None:
    await start_run(app, LOCAL, arguments["view_id"], arguments.get("task_id") or str(uuid.uuid4()))


async def _embed(app: Application, arguments: Arguments) -> None:  # noqa: ARG001 - see Task
    await queue_embedding(app)


async def _label(app: Application, arguments: Arguments) -> None:  # noqa: ARG001 - see Task
    await app.jobs.add(label_job(), due=app.clock())


def _periodic(entry: Periodic) -> Task:
    async def queue(app: Application, arguments: Arguments) -> None:  # noqa: ARG001 - see Task
        await queue_now(app, entry)

    return Task(queue=queue)


_OF_A_SESSION = ("namespace", "user_id")

TASKS: Mapping[str, Task] = {
    EXTRACT_SESSION: Task(queue=_extract, needs=("session_id",), takes=_OF_A_SESSION),
    SUMMARIZE_SESSION: Task(queue=_summarize, needs=("session_id",), takes=(*_OF_A_SESSION, "limit")),
    RUN_VIEW: Task(queue=_run_view, needs=("view_id",), takes=("task_id",)),
    EMBED_OWED: Task(queue=_embed),
    LABEL_MEMORIES: Task(queue=_label),
    **{entry.kind: _periodic(entry) for entry in PERIODIC},
}

_OF_THE_REFERENCE = {
    "compact_long_term_memories": "consolidate",
    "extract_memory_structure": LABEL_MEMORIES,
    "forget_long_term_memories": "forget_by_policy",
    "periodic_forget_long_term_memories": "forget_by_policy",
    "periodic_refresh_summary_views": "refresh_views",
    "promote_working_memory_to_long_term": EXTRACT_SESSION,
    "refresh_summary_view": RUN_VIEW,
    "run_delayed_extraction": EXTRACT_SESSION,
    "summarize_session": SUMMARIZE_SESSION,
}
_NO_WORK_HERE = {
    "delete_long_term_memories",
    "extract_discrete_memories",
    "index_long_term_memories",
    "update_last_accessed",
}


def task_called(name: str) -> Task:
    """The task of a name or of a dotted path of the reference server. Raises: RequestRefused."""
    package, _, function = name.rpartition(".")
    kind = _OF_THE_REFERENCE.get(function, function) if package else name
    if kind in TASKS:
        return TASKS[kind]
    if package and function in _NO_WORK_HERE:
        raise RequestRefused(f"{function} is no background work here: a write does it itself")
    raise RequestRefused(f"no task is called {name!r}; there are {', '.join(sorted(TASKS))}")


async def schedule(app: Application, name: str, arguments: Arguments) -> None:
    """Queue work by its name, due now. Raises: RequestRefused (no such task, or other arguments than it takes),
    NotFound."""
    task = task_called(name)
    if missing := [needed for needed in task.needs if needed not in arguments]:
        raise RequestRefused(f"{name} needs the argument {missing[0]}")
    if strange := sorted({*arguments} - {*task.needs, *task.takes}):
        known = ", ".join((*task.needs, *task.takes)) or "no arguments"
        raise RequestRefused(f"{name} takes no argument called {strange[0]!r}; it takes {known}")
    await task.queue(app, arguments)

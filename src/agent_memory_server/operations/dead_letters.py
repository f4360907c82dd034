"""Background work for operators: how much there is, and what was given up."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.ports.jobs import DeadJob, JobFigures, Pulse


def _require_operator(principal: Principal) -> None:
    # Jobs name sessions and records of every user.
    if require(principal, Action.ADMIN) != EVERYWHERE:
        raise Forbidden("background work is of every namespace and user, and this credential is limited to some")


async def job_figures(app: Application, principal: Principal) -> JobFigures:
    """How many jobs wait, run, and were given up. Raises: Forbidden."""
    _require_operator(principal)
    return await app.jobs.figures()


async def job_pulse(app: Application, principal: Principal) -> Pulse:
    """Whether there are workers, and whether they keep up. Raises: Forbidden."""
    _require_operator(principal)
    return await app.jobs.pulse(now=app.clock())


async def list_dead(app: Application, principal: Principal, *, limit: int) -> Sequence[DeadJob]:
    """Jobs that were given up, newest first. Raises: Forbidden."""
    _require_operator(principal)
    return await app.jobs.dead(limit=limit)


async def retry_dead(app: Application, principal: Principal, ids: Sequence[str]) -> int:
    """Queue dead jobs again with fresh attempts; how many there were. Raises: Forbidden."""
    _require_operator(principal)
    return await app.jobs.retry(list(dict.fromkeys(ids)), now=app.clock())


async def discard_dead(app: Application, principal: Principal, ids: Sequence[str]) -> int:
    """Forget dead jobs; how many there were. Raises: Forbidden."""
    _require_operator(principal)
    return await app.jobs.discard(list(dict.fromkeys(ids)))

"""Background work, for operators: how much there is, and what was given up."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Body, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import DeadJobsResponse, JobCountResponse, JobFiguresResponse, JobIdsRequest
from agent_memory_server.interfaces.convert.times import iso
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.guard import GuardedRoute, WriteRoute
from agent_memory_server.interfaces.rest.openapi import IDEMPOTENCY_KEY, parameters, responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import StrictQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.dead_letters import discard_dead, job_figures, job_pulse, list_dead, retry_dead
from agent_memory_server.ports.jobs import DeadJob

_MOST = 1000
_FIGURES = {"waiting": 3, "running": 1, "dead": 1, "workers": 2, "oldest_due_at": None}
_DEAD = {
    "id": "17",
    "kind": "forget_by_policy",
    "key": "periodic",
    "arguments": {},
    "group": "",
    "attempts": 5,
    "error": "ValueError (see the log of the worker)",
    "failed_at": "2026-11-20T09:30:00Z",
}


Ids: TypeAlias = Annotated[JobIdsRequest, Body(openapi_examples=examples.DEAD_JOBS)]


class DeadQuery(StrictQuery):
    """How many are listed at most."""

    limit: Annotated[int, Field(ge=1, le=_MOST)] = 100


def _as_data(dead: DeadJob) -> dict[str, Any]:
    return {
        "id": dead.id,
        "kind": dead.job.kind,
        "key": dead.job.key,
        "arguments": dict(dead.job.arguments),
        "group": dead.job.group,
        "attempts": dead.attempts,
        "error": dead.error,
        "failed_at": iso(dead.failed_at),
    }


async def get_jobs(request: Request) -> Response:
    """Tell how many jobs wait, run, and were given up, how many workers there are, and whether they keep up."""
    who = caller(request)
    figures = await job_figures(who.app, who.principal)
    pulse = await job_pulse(who.app, who.principal)
    counted = {"waiting": figures.waiting, "running": figures.running, "dead": figures.dead}
    oldest = None if pulse.oldest_due is None else iso(pulse.oldest_due)
    return answer({**counted, "workers": pulse.workers, "oldest_due_at": oldest})


async def list_dead_jobs(request: Request, query: Annotated[DeadQuery, Query()]) -> Response:
    """List the jobs that were given up, newest first."""
    who = caller(request)
    found = await list_dead(who.app, who.principal, limit=query.limit)
    return answer({"jobs": [_as_data(dead) for dead in found]})


async def retry_dead_jobs(request: Request, body: Ids) -> Response:
    """Queue dead jobs again, with fresh attempts."""
    who = caller(request)
    return answer({"count": await retry_dead(who.app, who.principal, body.ids)})


async def discard_dead_jobs(request: Request, body: Ids) -> Response:
    """Forget dead jobs. Work that is still owed is queued again by the next sweep."""
    who = caller(request)
    return answer({"count": await discard_dead(who.app, who.principal, body.ids)})


def add_to(router: APIRouter) -> None:
    """Add the routes."""
    router.add_api_route(
        "/v1/jobs",
        get_jobs,
        methods=["GET"],
        response_model=JobFiguresResponse,
        responses=responses(ok=_FIGURES),
        tags=["background work"],
        summary="Count jobs",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/jobs/dead",
        list_dead_jobs,
        methods=["GET"],
        response_model=DeadJobsResponse,
        responses=responses(ok={"jobs": [_DEAD]}),
        tags=["background work"],
        summary="List jobs that were given up",
        route_class_override=GuardedRoute,
    )
    for verb, endpoint, summary in (
        ("retry", retry_dead_jobs, "Run jobs again that were given up"),
        ("discard", discard_dead_jobs, "Forget jobs that were given up"),
    ):
        router.add_api_route(
            f"/v1/jobs/dead/{verb}",
            endpoint,
            methods=["POST"],
            response_model=JobCountResponse,
            responses=responses(400, ok={"count": 1}),
            tags=["background work"],
            summary=summary,
            openapi_extra=parameters(IDEMPOTENCY_KEY),
            route_class_override=WriteRoute,
        )

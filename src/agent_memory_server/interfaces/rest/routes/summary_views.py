"""Summary views: made, read, computed; and the tasks that compute them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Body, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import (
    AckResponse,
    CreateSummaryViewRequest,
    RunSummaryViewPartitionRequest,
    RunSummaryViewRequest,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
)
from agent_memory_client.models.fields import Id, ScopeValue
from agent_memory_server.interfaces.convert import views as wire
from agent_memory_server.interfaces.rest.answers import OK, answer
from agent_memory_server.interfaces.rest.guard import GuardedRoute, WriteRoute
from agent_memory_server.interfaces.rest.openapi import IDEMPOTENCY_KEY, parameters, responses
from agent_memory_server.interfaces.rest.routes.parameters import PlaceQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations import views

ViewId: TypeAlias = Annotated[Id, Path(description="The id that the server gave the view.")]
TaskId: TypeAlias = Annotated[Id, Path(description="The id of the task.")]

_VIEW = {
    "id": "01JZ0000000000000000000001",
    "name": "per user",
    "source": "long_term",
    "group_by": ["user_id"],
    "filters": {"memory_type": "semantic"},
    "time_window_days": None,
    "continuous": True,
    "prompt": None,
    "model_name": None,
}
_PARTITION = {
    "view_id": _VIEW["id"],
    "group": {"user_id": "ada"},
    "summary": "Ada plays the cello and moved to Vienna.",
    "memory_count": 12,
    "empty": False,
    "empty_reason": None,
    "computed_at": "2026-11-25T12:00:00Z",
}
_TASK = {
    "id": "01JZ0000000000000000000002",
    "type": "summary_view_full_run",
    "status": "pending",
    "view_id": _VIEW["id"],
    "created_at": "2026-11-25T12:00:00Z",
    "started_at": None,
    "completed_at": None,
    "error_message": None,
}
_CREATE = {
    "per user": {
        "value": {"name": "per user", "source": "long_term", "group_by": ["user_id"], "continuous": True},
    }
}
_GROUP = {"one user": {"value": {"group": {"user_id": "ada"}}}}
_RUN = {"a new task": {"value": {"task_id": None}}}


class PartitionQuery(PlaceQuery):
    """Values of the group; exact."""

    session_id: ScopeValue | None = None
    memory_type: ScopeValue | None = None


async def create_summary_view(
    request: Request, body: Annotated[CreateSummaryViewRequest, Body(openapi_examples=_CREATE)]
) -> Response:
    """Make a view. It reads what the credential that makes it may read, and only those who may read all of that see
    it."""
    who = caller(request)
    made = await views.create_view(who.app, who.principal, wire.view_of(body, who.new_id()))
    return answer(wire.view(made))


async def list_summary_views(request: Request) -> Response:
    """List the views that the credential may read, oldest first."""
    who = caller(request)
    found = await views.list_views(who.app, who.principal)
    return answer([wire.view(one) for one in found])


async def get_summary_view(request: Request, view_id: ViewId) -> Response:
    """Read a view."""
    who = caller(request)
    return answer(wire.view(await views.get_view(who.app, who.principal, view_id)))


async def delete_summary_view(request: Request, view_id: ViewId) -> Response:
    """Delete a view and the summaries kept for it. `ok` also when there is none."""
    who = caller(request)
    await views.delete_view(who.app, who.principal, view_id)
    return answer(OK)


async def run_summary_view_partition(
    request: Request,
    view_id: ViewId,
    body: Annotated[RunSummaryViewPartitionRequest, Body(openapi_examples=_GROUP)],
) -> Response:
    """Compute, keep and return one group's summary. When the model fails, what was kept before stays."""
    who = caller(request)
    return answer(wire.partition(await views.run_partition(who.app, who.principal, view_id, body.group)))


async def list_summary_view_partitions(
    request: Request, view_id: ViewId, query: Annotated[PartitionQuery, Query()]
) -> Response:
    """List the kept summaries; nothing is computed."""
    who = caller(request)
    group = query.model_dump(exclude_none=True)
    kept = await views.list_partitions(who.app, who.principal, view_id, group)
    return answer([wire.partition(one) for one in kept])


async def run_summary_view(
    request: Request, view_id: ViewId, body: Annotated[RunSummaryViewRequest, Body(openapi_examples=_RUN)]
) -> Response:
    """Compute every group of a view in the background; the task tells how far it is."""
    who = caller(request)
    started = await views.start_run(who.app, who.principal, view_id, body.task_id or who.new_id())
    return answer(wire.task(started))


async def get_task_status(request: Request, task_id: TaskId) -> Response:
    """Read a task. It is kept for seven days after its last change."""
    who = caller(request)
    return answer(wire.task(await views.get_task(who.app, who.principal, task_id)))


def add_to(router: APIRouter) -> None:
    """Add the routes."""
    router.add_api_route(
        "/v1/summary-views",
        create_summary_view,
        methods=["POST"],
        response_model=SummaryView,
        responses=responses(400, ok=_VIEW),
        tags=["summary views"],
        summary="Make a summary view",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/summary-views",
        list_summary_views,
        methods=["GET"],
        response_model=list[SummaryView],
        responses=responses(ok=[_VIEW]),
        tags=["summary views"],
        summary="List summary views",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/summary-views/{view_id}",
        get_summary_view,
        methods=["GET"],
        response_model=SummaryView,
        responses=responses(404, ok=_VIEW),
        tags=["summary views"],
        summary="Read a summary view",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/summary-views/{view_id}",
        delete_summary_view,
        methods=["DELETE"],
        response_model=AckResponse,
        responses=responses(ok=OK),
        tags=["summary views"],
        summary="Delete a summary view",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/summary-views/{view_id}/partitions/run",
        run_summary_view_partition,
        methods=["POST"],
        response_model=SummaryViewPartitionResult,
        responses=responses(400, 404, ok=_PARTITION),
        tags=["summary views"],
        summary="Compute one group of a view",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/summary-views/{view_id}/partitions",
        list_summary_view_partitions,
        methods=["GET"],
        response_model=list[SummaryViewPartitionResult],
        responses=responses(404, ok=[_PARTITION]),
        tags=["summary views"],
        summary="List the summaries of a view",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/summary-views/{view_id}/run",
        run_summary_view,
        methods=["POST"],
        response_model=Task,
        responses=responses(400, 404, ok=_TASK),
        tags=["summary views"],
        summary="Compute every group of a view",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/tasks/{task_id}",
        get_task_status,
        methods=["GET"],
        response_model=Task,
        responses=responses(404, ok=_TASK),
        tags=["summary views"],
        summary="Read a task",
        route_class_override=GuardedRoute,
    )

"""What was decided about memories in the background, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import DecisionListResponse
from agent_memory_client.models.fields import Id
from agent_memory_server.domain.decision import DecisionFilter, Kind, Outcome, Reason
from agent_memory_server.interfaces.convert.decisions import decision_page
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.guard import GuardedRoute
from agent_memory_server.interfaces.rest.openapi import responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import PlaceQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.decision_log import count_decisions, list_decisions

_MOST = 1000


class DecisionQuery(PlaceQuery):
    """Which decisions; exact values, absent or empty means not given. memory_id: of one that the decision is about, or
    that stays. counts: also how many of them there are. cursor: `next_cursor` of the page before."""

    memory_id: Id | None = None
    session_id: Id | None = None
    kind: Kind | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    counts: bool = False
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 100
    cursor: Annotated[str, Field(max_length=64)] | None = None


async def get_decisions(request: Request, query: Annotated[DecisionQuery, Query()]) -> Response:
    """List what was merged, superseded, labelled or read out of conversations, and what was refused, newest first."""
    who = caller(request)
    wanted = DecisionFilter(
        kind=query.kind,
        outcome=query.outcome,
        reason=query.reason,
        memory_id=query.memory_id,
        session_id=query.session_id,
        namespace=query.namespace or None,
        user_id=query.user_id or None,
    )
    page = await list_decisions(who.app, who.principal, wanted, limit=query.limit, cursor=query.cursor)
    counts = await count_decisions(who.app, who.principal, wanted) if query.counts else None
    return answer(decision_page(page, counts))


def add_to(router: APIRouter) -> None:
    """Add the route."""
    router.add_api_route(
        "/v1/decisions",
        get_decisions,
        methods=["GET"],
        response_model=DecisionListResponse,
        responses=responses(400, ok=examples.DECISIONS),
        tags=["background work"],
        summary="List what was decided about memories",
        route_class_override=GuardedRoute,
    )

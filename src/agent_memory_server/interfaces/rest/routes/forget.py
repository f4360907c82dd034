"""Letting many memories go: by a policy, or because they say the same."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import AckResponse, ForgetRequest, ForgetResponse
from agent_memory_client.models.fields import ScopeValue
from agent_memory_client.models.limits import MAX_INT
from agent_memory_server.interfaces.convert.filters import place_filter
from agent_memory_server.interfaces.convert.forget import forgotten, policy_of
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.guard import WriteRoute
from agent_memory_server.interfaces.rest.openapi import IDEMPOTENCY_KEY, parameters, responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import PlaceQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.compact import compact
from agent_memory_server.operations.forget import forget


class ForgetQuery(PlaceQuery):
    """Where the policy applies, and whether it is only tried. `limit` is accepted: all memories are looked at."""

    session_id: ScopeValue | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_INT)] = 1000
    dry_run: bool = True


async def forget_endpoint(
    request: Request,
    body: Annotated[ForgetRequest, Body(openapi_examples=examples.FORGET)],
    query: Annotated[ForgetQuery, Query()],
) -> Response:
    """Delete what a policy lets go, or with `dry_run` (the default) only tell what it would be."""
    who = caller(request)
    filter_ = place_filter(namespace=query.namespace, user_id=query.user_id, session_id=query.session_id)
    run = await forget(
        who.app,
        who.principal,
        policy_of(body.policy),
        filter_,
        pinned_ids=frozenset(body.pinned_ids or ()),
        dry_run=query.dry_run,
    )
    return answer(forgotten(run))


async def compact_long_term_memories_endpoint(request: Request, query: Annotated[PlaceQuery, Query()]) -> Response:
    """Of memories with the same content in the same place keep one, and tell how many memories remain."""
    who = caller(request)
    filter_ = place_filter(namespace=query.namespace, user_id=query.user_id)
    remaining = await compact(who.app, who.principal, filter_)
    return answer({"status": f"ok, {remaining} memories remaining after compaction"})


def add_to(router: APIRouter) -> None:
    """Add the routes."""
    router.add_api_route(
        "/v1/long-term-memory/forget",
        forget_endpoint,
        methods=["POST"],
        response_model=ForgetResponse,
        responses=responses(400, ok={"scanned": 120, "deleted": 1, "deleted_ids": ["trip-2019"], "dry_run": True}),
        tags=["long-term memory"],
        summary="Forget memories by a policy",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory/compact",
        compact_long_term_memories_endpoint,
        methods=["POST"],
        response_model=AckResponse,
        responses=responses(400, ok={"status": "ok, 119 memories remaining after compaction"}),
        tags=["long-term memory"],
        summary="Remove duplicate memories",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )

"""Seeing what extraction reads out of a session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import ExtractMemoriesRequest, ExtractMemoriesResponse
from agent_memory_server.interfaces.convert.records import extraction
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.guard import GuardedRoute
from agent_memory_server.interfaces.rest.openapi import responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.extract import try_extraction


async def extract_memories(
    request: Request, body: Annotated[ExtractMemoriesRequest, Body(openapi_examples=examples.EXTRACT)]
) -> Response:
    """Tell what would be read out of a session's latest 200 messages, and what is left out and why. Stores nothing."""
    who = caller(request)
    reading = await try_extraction(
        who.app, who.principal, body.session_id, namespace=body.namespace, user_id=body.user_id
    )
    return answer(extraction(reading))


def add_to(router: APIRouter) -> None:
    """Add the route."""
    router.add_api_route(
        "/v1/long-term-memory/extract",
        extract_memories,
        methods=["POST"],
        response_model=ExtractMemoriesResponse,
        responses=responses(400, 404, ok=examples.EXTRACTED),
        tags=["long-term memory"],
        summary="Try extraction on a session",
        route_class_override=GuardedRoute,
    )

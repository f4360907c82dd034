"""Search over long-term records."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import MemoryRecordResultsResponse, SearchRequest
from agent_memory_server.interfaces.convert.search import question_of, results
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.direct import DirectRoute
from agent_memory_server.interfaces.rest.openapi import responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import OptimizeQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.rewrite import optimized_search
from agent_memory_server.operations.search import search


async def search_long_term_memory(
    request: Request,
    body: Annotated[SearchRequest, Body(openapi_examples=examples.SEARCH)],
    optimize_query: OptimizeQuery = False,
) -> Response:
    """Find memories by meaning, by words or by both, within exact filters; without text, list what the filters allow.

    All filters, and all members of each, must hold. `degraded` appears when a part of the search could not run.
    """
    who = caller(request)
    find = optimized_search if optimize_query else search
    return answer(results(await find(who.app, who.principal, question_of(body))))


def add_to(router: APIRouter) -> None:
    """Add the route."""
    router.add_api_route(
        "/v1/long-term-memory/search",
        search_long_term_memory,
        methods=["POST"],
        response_model=MemoryRecordResultsResponse,
        responses=responses(400, ok={"memories": [examples.RESULT], "total": 1, "next_offset": None}),
        tags=["long-term memory"],
        summary="Search memories",
        route_class_override=DirectRoute,
    )

"""A prompt built from memory."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import MemoryPromptRequest, MemoryPromptResponse
from agent_memory_server.interfaces.convert.search import long_term_of, prompt, prompt_session_of
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.direct import DirectRoute
from agent_memory_server.interfaces.rest.openapi import responses
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import OptimizeQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.context import memory_prompt as build_prompt


async def memory_prompt(
    request: Request,
    body: Annotated[MemoryPromptRequest, Body(openapi_examples=examples.PROMPT)],
    optimize_query: OptimizeQuery = False,
) -> Response:
    """Put a session's summary and messages, memories that fit the query, and the query together for a model."""
    who = caller(request)
    built = await build_prompt(
        who.app,
        who.principal,
        body.query,
        session=prompt_session_of(body),
        long_term=long_term_of(body),
        optimize=optimize_query,
    )
    return answer(prompt(built))


def add_to(router: APIRouter) -> None:
    """Add the route."""
    router.add_api_route(
        "/v1/memory/prompt",
        memory_prompt,
        methods=["POST"],
        response_model=MemoryPromptResponse,
        responses=responses(400, ok=examples.PROMPTED),
        tags=["prompt"],
        summary="Build a prompt",
        route_class_override=DirectRoute,
    )

"""Long-term records: stored, listed, read, changed, deleted by id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import (
    AckResponse,
    CreateMemoryRecordRequest,
    EditMemoryRecordRequest,
    MemoryHistoryResponse,
    MemoryListResponse,
    MemoryRecord,
    MemoryTypeEnum,
)
from agent_memory_client.models.fields import Id, ScopeValue
from agent_memory_client.models.limits import MAX_PAGE
from agent_memory_server.interfaces.convert.filters import place_filter
from agent_memory_server.interfaces.convert.records import (
    acknowledged,
    changes_of,
    history,
    memories_of,
    page,
    record,
)
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.direct import DirectRoute, DirectWriteRoute
from agent_memory_server.interfaces.rest.guard import GuardedRoute, WriteRoute
from agent_memory_server.interfaces.rest.openapi import ETAG, IDEMPOTENCY_KEY, IF_MATCH, parameters, responses
from agent_memory_server.interfaces.rest.revisions import etag, if_match
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import MemoryId, StrictQuery
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.forget import delete
from agent_memory_server.operations.recall import browse, recall
from agent_memory_server.operations.recall import history as history_of
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise

_MOST_IDS = 1000


class DeleteQuery(StrictQuery):
    """The ids to delete, each as a parameter of its own."""

    memory_ids: Annotated[list[Id], Field(max_length=_MOST_IDS)] = Field(default_factory=list)


class ListQuery(StrictQuery):
    """Exact values; absent or empty means not given. cursor: `next_cursor` of the page before."""

    namespace: ScopeValue | None = None
    user_id: ScopeValue | None = None
    session_id: ScopeValue | None = None
    memory_type: MemoryTypeEnum | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    cursor: Annotated[str, Field(max_length=1024)] | None = None


async def create_long_term_memory(
    request: Request,
    body: Annotated[CreateMemoryRecordRequest, Body(openapi_examples=examples.CREATE)],
) -> Response:
    """Store records. When the answer goes out they are durable, and the next search finds them.

    `items` tells, in the order of the request, what became of each record.
    """
    who = caller(request)
    memories = memories_of(body, who.app.clock())
    return answer(acknowledged(await remember(who.app, who.principal, memories, deduplicate=body.deduplicate)))


async def list_long_term_memory(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
    """List records, newest first. Following `next_cursor` sees each record once, whatever is written meanwhile."""
    who = caller(request)
    filter_ = place_filter(
        namespace=query.namespace,
        user_id=query.user_id,
        session_id=query.session_id,
        memory_type=query.memory_type.value if query.memory_type else None,
    )
    return answer(page(await browse(who.app, who.principal, filter_, limit=query.limit, cursor=query.cursor)))


async def get_long_term_memory(request: Request, memory_id: MemoryId) -> Response:
    """Read one record by its id."""
    who = caller(request)
    memory = await recall(who.app, who.principal, memory_id)
    return answer(record(memory), etag(memory.revision))


async def get_long_term_memory_history(request: Request, memory_id: MemoryId) -> Response:
    """Read a record with its earlier versions and the records that it superseded, each with the reason."""
    who = caller(request)
    return answer(history(memory_id, await history_of(who.app, who.principal, memory_id)))


async def update_long_term_memory(
    request: Request,
    memory_id: MemoryId,
    body: Annotated[EditMemoryRecordRequest, Body(openapi_examples=examples.EDIT)],
) -> Response:
    """Change members of a record; null leaves one unchanged."""
    who = caller(request)
    revision = if_match(request.headers)
    memory = await revise(who.app, who.principal, memory_id, changes_of(body), if_revision=revision)
    return answer(record(memory), etag(memory.revision))


async def delete_long_term_memory(request: Request, query: Annotated[DeleteQuery, Query()]) -> Response:
    """Delete records by id; an id that is not there is no error. The answer tells how many there were."""
    who = caller(request)
    deleted = await delete(who.app, who.principal, query.memory_ids)
    return answer({"status": f"ok, deleted {deleted} memories"})


def add_to(router: APIRouter) -> None:
    """Add the routes. `/search`, `/forget` and `/compact` are POST only, so no record's path can hide them."""
    router.add_api_route(
        "/v1/long-term-memory/",
        create_long_term_memory,
        methods=["POST"],
        response_model=AckResponse,
        responses=responses(400, ok=examples.CREATED),
        tags=["long-term memory"],
        summary="Store memories",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=DirectWriteRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory",
        list_long_term_memory,
        methods=["GET"],
        response_model=MemoryListResponse,
        responses=responses(400, ok={"memories": [examples.RECORD], "total": 1, "next_cursor": None}),
        tags=["long-term memory"],
        summary="List memories",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory",
        delete_long_term_memory,
        methods=["DELETE"],
        response_model=AckResponse,
        responses=responses(400, ok={"status": "ok, deleted 1 memories"}),
        tags=["long-term memory"],
        summary="Delete memories by id",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory/{memory_id}",
        get_long_term_memory,
        methods=["GET"],
        response_model=MemoryRecord,
        responses=responses(400, 404, ok=examples.RECORD, headers=ETAG),
        tags=["long-term memory"],
        summary="Read a memory",
        route_class_override=DirectRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory/{memory_id}/history",
        get_long_term_memory_history,
        methods=["GET"],
        response_model=MemoryHistoryResponse,
        responses=responses(400, 404, ok={"id": examples.RECORD["id"], "versions": [examples.RECORD], "total": 1}),
        tags=["long-term memory"],
        summary="Read a memory's history",
        route_class_override=GuardedRoute,
    )
    router.add_api_route(
        "/v1/long-term-memory/{memory_id}",
        update_long_term_memory,
        methods=["PATCH"],
        response_model=MemoryRecord,
        responses=responses(400, 404, 409, ok=examples.RECORD, headers=ETAG),
        tags=["long-term memory"],
        summary="Change a memory",
        openapi_extra=parameters(IDEMPOTENCY_KEY, IF_MATCH),
        route_class_override=DirectWriteRoute,
    )

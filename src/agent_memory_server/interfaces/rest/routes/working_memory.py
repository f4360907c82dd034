"""Sessions: listed, read, replaced, appended to, deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import (
    AckResponse,
    AppendMessagesRequest,
    AppendMessagesResponse,
    SessionListResponse,
    UpdateWorkingMemory,
    WorkingMemoryResponse,
)
from agent_memory_client.models.limits import MAX_INT, MAX_OFFSET, MAX_PAGE
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.convert.search import window_of
from agent_memory_server.interfaces.convert.sessions import (
    appended_answer,
    messages_of,
    session_answer,
    session_list,
    strategy_of,
    write_of,
)
from agent_memory_server.interfaces.rest.answers import OK, answer
from agent_memory_server.interfaces.rest.direct import DirectRoute, DirectWriteRoute
from agent_memory_server.interfaces.rest.guard import WriteRoute
from agent_memory_server.interfaces.rest.openapi import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    parameters,
    responses,
)
from agent_memory_server.interfaces.rest.revisions import etag, if_absent, if_match
from agent_memory_server.interfaces.rest.routes import examples
from agent_memory_server.interfaces.rest.routes.parameters import (
    ContextWindow,
    Model,
    Namespace,
    PlaceQuery,
    SessionId,
    UserId,
)
from agent_memory_server.interfaces.rest.serving import caller
from agent_memory_server.operations.converse import (
    append_messages,
    delete_session,
    get_session,
    put_session,
)
from agent_memory_server.operations.converse import list_sessions as sessions_of
from agent_memory_server.operations.messages import TIMESTAMP_NOTICE

_NOTICE = "X-Deprecation-Warning"


async def list_sessions(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    namespace: Namespace = None,
    user_id: UserId = None,
) -> Response:
    """List session ids, oldest session first. `total` counts all that match."""
    who = caller(request)
    page = await sessions_of(who.app, who.principal, namespace=namespace, user_id=user_id, limit=limit, offset=offset)
    return answer(session_list(page))


async def get_working_memory(
    request: Request,
    session_id: SessionId,
    user_id: UserId = None,
    namespace: Namespace = None,
    model_name: Model = None,
    context_window_max: ContextWindow = None,
    recent_messages_limit: Annotated[
        int | None, Query(ge=0, le=MAX_INT, description="Only the latest messages, this many; 0 means all.")
    ] = None,
) -> Response:
    """Read a session: the one of exactly this namespace and user, else the only one with this id.

    With a model or a window, the oldest messages that do not fit are left out of the answer; they stay stored.
    """
    who = caller(request)
    view = await get_session(
        who.app,
        who.principal,
        session_id,
        namespace=namespace,
        user_id=user_id,
        window=window_of(model_name, context_window_max),
        last=recent_messages_limit or None,
    )
    # Data that was never set reads as an empty object.
    return answer(session_answer(view, data=view.session.data or {}), etag(view.session.revision))


async def put_working_memory(
    request: Request,
    session_id: SessionId,
    body: Annotated[UpdateWorkingMemory, Body(openapi_examples=examples.PUT_SESSION)],
    model_name: Model = None,
    context_window_max: ContextWindow = None,
) -> Response:
    """Replace a session as a whole: what the body leaves out is reset. To add messages, append them instead."""
    who = caller(request)
    revision = 0 if if_absent(request.headers) else if_match(request.headers)
    write = write_of(session_id, body, new_id=who.new_id, now=who.app.clock())
    window = window_of(model_name, context_window_max)
    view = await put_session(who.app, who.principal, write, window, if_revision=revision)
    headers = etag(view.session.revision)
    if view.missing_times:
        headers[_NOTICE] = TIMESTAMP_NOTICE
    return answer(session_answer(view, data=view.session.data), headers)


async def append_working_memory_messages(
    request: Request,
    session_id: SessionId,
    body: Annotated[AppendMessagesRequest, Body(openapi_examples=examples.APPEND)],
    model_name: Model = None,
    context_window_max: ContextWindow = None,
) -> Response:
    """Add messages behind the last one, whoever else writes to the session meanwhile; makes it when it is not there.

    With a model or a window, a session that has outgrown it is folded into its summary, in the background.

    A message that is there already, with the same id and content, is left as it is.
    """
    who = caller(request)
    appended, missing_times = await append_messages(
        who.app,
        who.principal,
        SessionKey(body.namespace or "", body.user_id or "", session_id),
        messages_of(body.messages, who.new_id),
        ttl_seconds=body.ttl_seconds,
        strategy=strategy_of(body.long_term_memory_strategy) if body.long_term_memory_strategy else None,
        window=window_of(model_name, context_window_max),
    )
    headers = etag(appended.session.revision)
    if missing_times:
        headers[_NOTICE] = TIMESTAMP_NOTICE
    return answer(appended_answer(appended), headers)


async def delete_working_memory(
    request: Request, session_id: SessionId, query: Annotated[PlaceQuery, Query()]
) -> Response:
    """Delete the session that a read would find. Its long-term records stay. `ok` also when there is none."""
    who = caller(request)
    await delete_session(who.app, who.principal, session_id, namespace=query.namespace, user_id=query.user_id)
    return answer(OK)


def add_to(router: APIRouter) -> None:
    """Add the routes."""
    router.add_api_route(
        "/v1/working-memory/",
        list_sessions,
        methods=["GET"],
        response_model=SessionListResponse,
        responses=responses(ok={"sessions": ["chat-1"], "total": 1}),
        tags=["working memory"],
        summary="List sessions",
        route_class_override=DirectRoute,
    )
    router.add_api_route(
        "/v1/working-memory/{session_id}",
        get_working_memory,
        methods=["GET"],
        response_model=WorkingMemoryResponse,
        responses=responses(404, ok=examples.SESSION, headers=ETAG),
        tags=["working memory"],
        summary="Read a session",
        route_class_override=DirectRoute,
    )
    router.add_api_route(
        "/v1/working-memory/{session_id}",
        put_working_memory,
        methods=["PUT"],
        response_model=WorkingMemoryResponse,
        responses=responses(400, 409, ok=examples.SESSION, headers=ETAG),
        tags=["working memory"],
        summary="Replace a session",
        openapi_extra=parameters(IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH),
        route_class_override=DirectWriteRoute,
    )
    router.add_api_route(
        "/v1/working-memory/{session_id}/messages",
        append_working_memory_messages,
        methods=["POST"],
        response_model=AppendMessagesResponse,
        responses=responses(400, 409, ok=examples.APPENDED, headers=ETAG),
        tags=["working memory"],
        summary="Append messages to a session",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=DirectWriteRoute,
    )
    router.add_api_route(
        "/v1/working-memory/{session_id}",
        delete_working_memory,
        methods=["DELETE"],
        response_model=AckResponse,
        responses=responses(ok=OK),
        tags=["working memory"],
        summary="Delete a session",
        openapi_extra=parameters(IDEMPOTENCY_KEY),
        route_class_override=WriteRoute,
    )

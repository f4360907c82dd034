"""Whether the server is alive, and whether it can serve."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_client.models import HealthCheckResponse, ReadinessResponse
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.interfaces.rest.direct import DirectOpenRoute
from agent_memory_server.interfaces.rest.openapi import OPEN
from agent_memory_server.interfaces.rest.serving import serving
from agent_memory_server.operations.health import PartHealth, readiness

_READY_EXAMPLE = {
    "status": "ready",
    "parts": [
        {"name": "store", "ok": True, "needed": True, "reason": None},
        {"name": "embedder", "ok": True, "needed": False, "reason": None},
        {"name": "workers", "ok": True, "needed": False, "reason": None},
    ],
}


async def get_health(request: Request) -> Response:
    """Tell that the process answers, with its clock in Unix milliseconds. Touches nothing else."""
    return answer({"now": int(serving(request).app.clock() * 1000)})


def _status(parts: list[PartHealth]) -> Literal["ready", "degraded", "unavailable"]:
    if all(part.ok for part in parts):
        return "ready"
    return "degraded" if all(part.ok for part in parts if part.needed) else "unavailable"


async def get_readiness(request: Request) -> Response:
    """Ask every part for real, each within two seconds. 503 when a part that is needed does not work."""
    parts = await readiness(serving(request).app)
    status = _status(parts)
    members = {
        "status": status,
        "parts": [{"name": p.name, "ok": p.ok, "needed": p.needed, "reason": p.reason} for p in parts],
    }
    return answer(members, status=503 if status == "unavailable" else 200)


def add_to(router: APIRouter) -> None:
    """Add the routes."""
    router.add_api_route(
        "/v1/health",
        get_health,
        methods=["GET"],
        response_model=HealthCheckResponse,
        responses={200: {"content": {"application/json": {"example": {"now": 1790000000000}}}}},
        tags=["health"],
        summary="Liveness",
        openapi_extra=OPEN,
        route_class_override=DirectOpenRoute,
    )
    router.add_api_route(
        "/v1/health/ready",
        get_readiness,
        methods=["GET"],
        response_model=ReadinessResponse,
        responses={
            200: {"content": {"application/json": {"example": _READY_EXAMPLE}}},
            503: {"model": ReadinessResponse, "description": "A part that is needed does not work."},
        },
        tags=["health"],
        summary="Readiness",
        openapi_extra=OPEN,
    )

"""Whether the server answers."""

from __future__ import annotations

from typing import Literal

from agent_memory_client.models.fields import WireModel


class HealthCheckResponse(WireModel):
    """The server's clock."""

    now: int
    """Unix time in milliseconds"""


class PartResponse(WireModel):
    """One part of the server. needed: without it no request can be served."""

    name: str
    ok: bool
    needed: bool
    reason: str | None = None


class ReadinessResponse(WireModel):
    """ready: all parts work; degraded: those that are needed do; unavailable: one that is needed does not."""

    status: Literal["ready", "degraded", "unavailable"]
    parts: list[PartResponse]

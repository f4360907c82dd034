"""Whether the server answers."""

from __future__ import annotations

from agent_memory_client.models.fields import WireModel


class HealthCheckResponse(WireModel):
    """The server's clock."""

    now: int
    """Unix time in milliseconds"""

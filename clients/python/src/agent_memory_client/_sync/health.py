"""Calls that ask whether the server answers, and whether it can serve."""

from __future__ import annotations

from agent_memory_client._sync.base import Calls
from agent_memory_client.answers import read
from agent_memory_client.models.health import HealthCheckResponse, ReadinessResponse


class HealthCalls(Calls):
    """Whether the server is there, and its parts work."""

    def health_check(self) -> HealthCheckResponse:
        """The server's clock, in Unix milliseconds: it answers. Tells nothing about the parts behind it.

        >>> (client.health_check()).now > 1_700_000_000_000
        True
        """
        return read(HealthCheckResponse, self._transport.send("GET", "/v1/health"))

    def readiness(self) -> ReadinessResponse:
        """Whether the server can serve: the store and the embedding model, each asked for real.

        `status` is `ready`, `degraded` (writes succeed, some searches tell less) or `unavailable`; `parts` say why.
        Raises: as every call, when no server answers; a server that cannot serve is no error.

        >>> answer = client.readiness()
        >>> answer.status, [part.name for part in answer.parts if part.needed]
        ('ready', ['store'])
        """
        response = self._transport.send("GET", "/v1/health/ready", answers=frozenset({503}))
        return read(ReadinessResponse, response)

"""The call that asks whether the server answers."""

from __future__ import annotations

from agent_memory_client._async.base import Calls
from agent_memory_client.answers import read
from agent_memory_client.models.health import HealthCheckResponse


class HealthCalls(Calls):
    """Whether the server is there."""

    async def health_check(self) -> HealthCheckResponse:
        """The server's clock, in Unix milliseconds: it answers. Tells nothing about the parts behind it.

        >>> (await client.health_check()).now > 1_700_000_000_000
        True
        """
        return read(HealthCheckResponse, await self._transport.send("GET", "/v1/health"))

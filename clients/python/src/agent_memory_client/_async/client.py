"""The client: all groups of calls over one connection pool."""

from __future__ import annotations

from types import TracebackType

import httpx2
from typing_extensions import Self

from agent_memory_client._async.memories import MemoryCalls
from agent_memory_client._async.prompt import PromptCalls
from agent_memory_client._async.sessions import SessionCalls
from agent_memory_client._async.transport import Transport
from agent_memory_client.answers import read
from agent_memory_client.config import MemoryClientConfig
from agent_memory_client.exceptions import MemoryClientError
from agent_memory_client.models.health import HealthCheckResponse


class MemoryAPIClient(SessionCalls, MemoryCalls, PromptCalls):
    """Client of one memory server. Use it as an async context manager, or close it when done.

    One client serves any number of tasks. transport: an httpx2 transport in place of the network, for tests that
    drive an application in-process.
    """

    def __init__(self, config: MemoryClientConfig, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.config = config
        self._transport = Transport(config, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def health_check(self) -> HealthCheckResponse:
        """The server's clock: it answers. Tells nothing about the parts behind it."""
        return read(HealthCheckResponse, await self._transport.send("GET", "/v1/health"))


async def create_memory_client(
    base_url: str,
    timeout: float = 30.0,
    default_namespace: str | None = None,
    default_model_name: str | None = None,
    default_context_window_max: int | None = None,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> MemoryAPIClient:
    """A client whose server has answered. Raises: MemoryClientError, when it does not (the client is closed then)."""
    config = MemoryClientConfig(
        base_url=base_url,
        timeout=timeout,
        default_namespace=default_namespace,
        default_model_name=default_model_name,
        default_context_window_max=default_context_window_max,
        token=token,
        headers=headers or {},
    )
    client = MemoryAPIClient(config, transport=transport)
    try:
        await client.health_check()
    except MemoryClientError as exc:
        await client.close()
        raise MemoryClientError(f"Failed to connect to memory server at {base_url}: {exc}") from exc
    except BaseException:
        await client.close()
        raise
    return client

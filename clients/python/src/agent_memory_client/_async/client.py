"""The client: all groups of calls over one connection pool."""

from __future__ import annotations

from types import TracebackType

import httpx2
from typing_extensions import Self, Unpack

from agent_memory_client._async.decisions import DecisionCalls
from agent_memory_client._async.extraction import ExtractionCalls
from agent_memory_client._async.health import HealthCalls
from agent_memory_client._async.jobs import JobCalls
from agent_memory_client._async.listing import ListingCalls
from agent_memory_client._async.prompt import PromptCalls
from agent_memory_client._async.resolve import ToolResolution
from agent_memory_client._async.retention import RetentionCalls
from agent_memory_client._async.transport import Transport
from agent_memory_client._async.views import ViewCalls
from agent_memory_client.config import ClientOptions, MemoryClientConfig, config_of
from agent_memory_client.exceptions import MemoryClientError
from agent_memory_client.tool_calls import ToolCallParsing
from agent_memory_client.tool_schemas import ToolSchemas
from agent_memory_client.validation import Validation


class MemoryAPIClient(
    ToolResolution,
    ListingCalls,
    RetentionCalls,
    PromptCalls,
    ViewCalls,
    ExtractionCalls,
    DecisionCalls,
    JobCalls,
    HealthCalls,
    ToolSchemas,
    ToolCallParsing,
    Validation,
):
    """Client of one memory server. Use it as a context manager, or close it when done.

    Give it a MemoryClientConfig, or the members of one as keywords: `MemoryAPIClient(base_url="http://…")`.
    One client serves any number of callers at once. transport: an httpx2 transport in place of the network, for tests
    that drive an application in-process. Raises: MemoryValidationError, when the configuration is not valid.
    """

    def __init__(
        self,
        config: MemoryClientConfig | None = None,
        *,
        base_url: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.config = config_of(config, base_url, options)
        self._transport = Transport(self.config, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. The client cannot be used afterwards.

        >>> from agent_memory_client import MemoryAPIClient
        >>> another = MemoryAPIClient(client.config)
        >>> await another.close()
        """
        await self._transport.close()


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
    """A client whose server has answered. Raises: MemoryClientError, when it does not (the client is closed then).

    >>> from agent_memory_client import create_memory_client
    >>> another = await create_memory_client(client.config.base_url, default_namespace="demo")
    >>> another.config.default_namespace
    'demo'
    >>> await another.close()
    """
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

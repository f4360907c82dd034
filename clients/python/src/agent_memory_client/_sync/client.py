"""The client: all groups of calls over one connection pool."""

from __future__ import annotations

from types import TracebackType

import httpx2
from typing_extensions import Self, Unpack

from agent_memory_client._sync.decisions import DecisionCalls
from agent_memory_client._sync.extraction import ExtractionCalls
from agent_memory_client._sync.health import HealthCalls
from agent_memory_client._sync.jobs import JobCalls
from agent_memory_client._sync.listing import ListingCalls
from agent_memory_client._sync.prompt import PromptCalls
from agent_memory_client._sync.resolve import ToolResolution
from agent_memory_client._sync.retention import RetentionCalls
from agent_memory_client._sync.transport import Transport
from agent_memory_client._sync.views import ViewCalls
from agent_memory_client.config import ClientOptions, MemoryClientConfig, config_of
from agent_memory_client.exceptions import MemoryClientError
from agent_memory_client.tool_calls import ToolCallParsing
from agent_memory_client.tool_schemas import ToolSchemas
from agent_memory_client.validation import Validation


class SyncMemoryAPIClient(
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

    Give it a MemoryClientConfig, or the members of one as keywords: `SyncMemoryAPIClient(base_url="http://…")`.
    One client serves any number of callers at once. transport: an httpx2 transport in place of the network, for tests
    that drive an application in-process. Raises: MemoryValidationError, when the configuration is not valid.
    """

    def __init__(
        self,
        config: MemoryClientConfig | None = None,
        *,
        base_url: str | None = None,
        transport: httpx2.BaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.config = config_of(config, base_url, options)
        self._transport = Transport(self.config, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. The client cannot be used afterwards.

        >>> from agent_memory_client import SyncMemoryAPIClient
        >>> another = SyncMemoryAPIClient(client.config)
        >>> another.close()
        """
        self._transport.close()


def create_sync_memory_client(
    base_url: str,
    timeout: float = 30.0,
    default_namespace: str | None = None,
    default_model_name: str | None = None,
    default_context_window_max: int | None = None,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> SyncMemoryAPIClient:
    """A client whose server has answered. Raises: MemoryClientError, when it does not (the client is closed then).

    >>> from agent_memory_client import create_sync_memory_client
    >>> another = create_sync_memory_client(client.config.base_url, default_namespace="demo")
    >>> another.config.default_namespace
    'demo'
    >>> another.close()
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
    client = SyncMemoryAPIClient(config, transport=transport)
    try:
        client.health_check()
    except MemoryClientError as exc:
        client.close()
        raise MemoryClientError(f"Failed to connect to memory server at {base_url}: {exc}") from exc
    except BaseException:
        client.close()
        raise
    return client

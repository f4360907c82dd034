"""What every group of calls needs: the configuration, and a way to send."""

from __future__ import annotations

from agent_memory_client._sync.transport import Query, Transport
from agent_memory_client.config import MemoryClientConfig


class Calls:
    """Base of the groups of calls that make up the client."""

    config: MemoryClientConfig
    _transport: Transport

    def _namespace(self, namespace: str | None) -> str | None:
        return self.config.default_namespace if namespace is None else namespace

    def _model(self, model_name: str | None, context_window_max: int | None) -> Query:
        """The two query parameters that tell for which model a session is read or written."""
        return {
            "model_name": self.config.default_model_name if model_name is None else model_name,
            "context_window_max": (
                self.config.default_context_window_max if context_window_max is None else context_window_max
            ),
        }

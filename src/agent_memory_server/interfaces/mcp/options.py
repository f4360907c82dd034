"""What an operator can set about the MCP door."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory_server.interfaces.auth import AuthMode


@dataclass(frozen=True, slots=True, kw_only=True)
class McpOptions:
    """Switches and limits of the MCP door. Each is a documented setting.

    namespace, user_id: what is meant where a call names none.
    max_body_bytes:     a larger request body is refused with 413.
    """

    auth: AuthMode = AuthMode.DISABLED
    namespace: str | None = None
    user_id: str | None = None
    max_body_bytes: int = 10 * 1024 * 1024

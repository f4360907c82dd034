"""What an operator can set about the REST door."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory_server.interfaces.auth import AuthMode


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """Switches and limits of the REST door. Each is a documented setting.

    max_body_bytes: a larger request body is refused with 413.
    idempotency_s:  how long the answer to a request with an idempotency key is kept, in seconds.
    """

    auth: AuthMode = AuthMode.DISABLED
    max_body_bytes: int = 10 * 1024 * 1024
    idempotency_s: float = 24 * 3600.0

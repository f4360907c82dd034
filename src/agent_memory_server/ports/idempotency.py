"""Answers kept for repeated requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """request_digest: SHA-256 of method, path, query and body, so that a key cannot serve another request."""

    request_digest: str
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class IdempotencyStore(Protocol):
    """Answers of completed writes by (subject, key), for a bounded time."""

    async def find(self, subject: str, key: str, *, now: float) -> KeptAnswer | None:
        """The answer given before, unless its time is over."""
        ...

    async def keep(self, subject: str, key: str, answer: KeptAnswer, *, now: float, expires_at: float) -> None:
        """Keep an answer; the first one kept under a key stays until it expires (`now` tells whether it has)."""
        ...

    async def purge_expired(self, *, now: float) -> int:
        """Drop answers whose time is over; how many."""
        ...

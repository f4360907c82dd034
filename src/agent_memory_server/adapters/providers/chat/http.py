"""One POST to a chat service: failures as domain errors, answers as JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from agent_memory_server.adapters.providers.refusals import refusal
from agent_memory_server.domain.errors import DeadlineExceeded, Unavailable


class ChatEndpoint:
    """One URL of a service, for one model. check: the settings to look at when it refuses every question."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        headers: Mapping[str, str],
        check: str,
        timeout_s: float,
        connect_timeout_s: float,
    ) -> None:
        self.url = url
        self._model = model
        self._check = check
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, connect_timeout_s)), headers=dict(headers)
        )

    async def post(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer. Raises: Unavailable (Misconfigured, Throttled), DeadlineExceeded, Refused."""
        try:
            response = await self._http.post(self.url, json=body)
        except httpx2.TimeoutException as exc:
            raise DeadlineExceeded(f"{self.url} did not answer in time") from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise Unavailable(f"{self.url} cannot be reached ({type(exc).__name__})") from exc
        if response.status_code != httpx2.codes.OK:
            raise refusal(response, model=self._model, url=self.url, refused="the question", check=self._check)
        try:
            answer = response.json()
        except ValueError as exc:
            raise self.strange() from exc
        if not isinstance(answer, dict):
            raise self.strange()
        return answer

    def strange(self) -> Unavailable:
        """The error for an answer that is not what the format says."""
        return Unavailable(f"{self.url} answered something other than a chat message")

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._http.aclose()


def count(value: object) -> int | None:
    """A number of tokens as a service reports it; None where it does not."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

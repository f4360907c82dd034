"""OpenAI's wire format for embeddings: OpenAI itself, Ollama, vLLM, LM Studio and many more."""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx2

from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled, in_order
from agent_memory_server.domain.errors import DeadlineExceeded, InvalidRequest, Unavailable

_REFUSED_TEXT = {400, 413, 422}
_TOO_LATE = {408, 504}
_TOO_BUSY = {429, 503}
_NAME = re.compile(r"[\w.-]{1,64}")


class OpenAICompatible:
    """An EmbeddingService behind `POST {base_url}/embeddings`."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        timeout_s: float,
        connect_timeout_s: float,
        shortened_to: int | None = None,
    ) -> None:
        """`shortened_to` asks the model for fewer dimensions than it has by itself; not every model can."""
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._model = model
        self._extra: dict[str, int] = {} if shortened_to is None else {"dimensions": shortened_to}
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, connect_timeout_s)),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        )

    async def vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """See EmbeddingService."""
        body = {"model": self._model, "input": list(texts), "encoding_format": "float", **self._extra}
        try:
            response = await self._http.post(self._url, json=body)
        except httpx2.TimeoutException as exc:
            raise DeadlineExceeded(f"{self._url} did not answer in time") from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise Unavailable(f"{self._url} cannot be reached ({type(exc).__name__})") from exc
        if response.status_code != httpx2.codes.OK:
            raise self._refusal(response)
        try:
            return in_order(response.json()["data"])
        except (ValueError, KeyError, TypeError) as exc:
            raise Unavailable(f"{self._url} answered something other than embeddings") from exc

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._http.aclose()

    def _refusal(self, response: httpx2.Response) -> Exception:
        status = response.status_code
        what = f"(HTTP {status}{_kind(response)})"
        if status in _REFUSED_TEXT:
            return InvalidRequest(f"{self._model} at {self._url} refused the texts {what}")
        if status in _TOO_LATE:
            return DeadlineExceeded(f"{self._url} did not answer in time {what}")
        if status in _TOO_BUSY:
            pause = response.headers.get("retry-after", "")
            after = float(pause) if pause.isdecimal() else None
            return Throttled(f"{self._url} is too busy {what}", retry_after_s=after)
        if response.is_server_error:
            return Unavailable(f"{self._url} failed {what}")
        return Misconfigured(
            f"{self._url} refuses requests for {self._model} {what}: check EMBEDDING_MODEL, the address and the key"
        )


def _kind(response: httpx2.Response) -> str:
    """The service's own code for what went wrong. Its sentence is left out: it may quote a text or a key."""
    try:
        error = response.json()["error"]
        name = error.get("code") or error.get("type") or ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f", {name}" if isinstance(name, str) and _NAME.fullmatch(name) else ""

"""OpenAI's wire format for embeddings: OpenAI itself, Ollama, vLLM, LM Studio and many more."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2

from agent_memory_server.adapters.providers.refusals import refusal
from agent_memory_server.adapters.providers.remote import in_order
from agent_memory_server.domain.errors import DeadlineExceeded, Unavailable


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
            raise refusal(
                response,
                model=self._model,
                url=self._url,
                refused="the texts",
                check="EMBEDDING_MODEL, the address and the key",
            )
        try:
            return in_order(response.json()["data"])
        except (ValueError, KeyError, TypeError) as exc:
            raise Unavailable(f"{self._url} answered something other than embeddings") from exc

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._http.aclose()

"""The common wire format of rerank services: a query and texts in, one score for each text out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx2

from agent_memory_server.adapters.providers.refusals import refusal
from agent_memory_server.adapters.providers.rerank.settings import RerankFormat
from agent_memory_server.domain.errors import DeadlineExceeded, Unavailable

LONGEST_CHARS = 4000
"""Of a text that is sent: what rerank models read of it (some 512 to 1,024 tokens)."""


class HttpReranker:
    """A Reranker behind one URL.

    Sent is `{query, documents, top_n}`, or `{query, texts, truncate}` for Text Embeddings Inference, with `model` where
    one is named. Understood are lists of `{index, relevance_score}` or `{index, score}`: bare, or as `results` or
    `data` of an object.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        api_key: str = "",
        format_: RerankFormat = RerankFormat.DOCUMENTS,
        timeout_s: float,
        connect_timeout_s: float,
    ) -> None:
        self._url = url
        self._model = model
        self._format = format_
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, connect_timeout_s)),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        )

    @property
    def model(self) -> str:
        """The model's name; the address, where the service has one model only."""
        return self._model or self._url

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """See Reranker. Raises: Unavailable (Misconfigured, Throttled), DeadlineExceeded, Refused."""
        try:
            response = await self._http.post(self._url, json=self._body(query, texts))
        except httpx2.TimeoutException as exc:
            raise DeadlineExceeded(f"{self._url} did not answer in time") from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise Unavailable(f"{self._url} cannot be reached ({type(exc).__name__})") from exc
        if response.status_code != httpx2.codes.OK:
            raise refusal(
                response,
                model=self.model,
                url=self._url,
                refused="the texts",
                check="RERANK_URL, RERANK_MODEL, RERANK_FORMAT and RERANK_API_KEY",
            )
        try:
            return _scores(response.json(), len(texts))
        except (ValueError, KeyError, TypeError) as exc:
            raise Unavailable(f"{self._url} answered something other than one score for each text") from exc

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._http.aclose()

    def _body(self, query: str, texts: Sequence[str]) -> dict[str, Any]:
        cut = [text[:LONGEST_CHARS] for text in texts]
        body: dict[str, Any] = {"model": self._model} if self._model else {}
        if self._format is RerankFormat.TEXTS:
            return body | {"query": query, "texts": cut, "truncate": True}
        return body | {"query": query, "documents": cut, "top_n": len(cut)}


def _scores(answer: Any, texts: int) -> list[float]:
    """The scores by `index`. Raises: KeyError, TypeError or ValueError for anything but one number for each text."""
    found: dict[int, float] = {}
    for item in answer if isinstance(answer, list) else answer["results" if "results" in answer else "data"]:
        score = item["relevance_score"] if "relevance_score" in item else item["score"]
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise TypeError("a score is a finite number")
        found[item["index"]] = float(score)
    if found.keys() != set(range(texts)):
        raise ValueError("the indexes are not those of the texts")
    return [found[index] for index in range(texts)]

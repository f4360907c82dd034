"""How long after its acknowledgement a message can be read, on a server that holds a corpus."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from agent_memory_server.evaluation.figures import percentiles_ms
from agent_memory_server.evaluation.retrieval import Target, checked

PROBES = 20
_LIMIT_S = 60.0
_USER = "write-to-readable"


@dataclass(frozen=True, slots=True)
class Lag:
    """Milliseconds (p50, p95, p99) from a write's acknowledgement to the end of the first answer that holds it.

    readable: by a hybrid search. by_meaning: with its vector in place. at_once: how many of the probes were in the
    answer of the very first search.
    """

    probes: int
    at_once: int
    readable_ms: dict[str, float]
    by_meaning_ms: dict[str, float]


async def measure_lag(target: Target, *, probes: int = PROBES) -> Lag:
    """Append messages to a session of a namespace beside the target's, one after the other, and search for each.

    Raises: Unavailable for a refusal, TimeoutError when a message is not found within a minute.
    """
    beside = Target(target.http, f"{target.namespace}-lag")
    readable, meaning, at_once = [], [], 0
    for number in range(probes):
        found_s, embedded_s, searches = await _probe(beside, number)
        readable.append(found_s)
        meaning.append(embedded_s)
        at_once += searches == 1
    return Lag(probes, at_once, percentiles_ms(readable), percentiles_ms(meaning))


async def _probe(target: Target, number: int) -> tuple[float, float, int]:
    """Seconds until it was found, until it was found by meaning, and how many searches the former took."""
    text = f"The parcel with the number {number} stands on shelf {number * 7} of the cellar."
    message = {"id": f"probe-{number}", "role": "user", "content": text}
    body = {"messages": [message], "namespace": target.namespace, "user_id": _USER}
    checked(await target.http.post(f"/v1/working-memory/{_USER}/messages", json=body))
    acknowledged = time.perf_counter()
    searches = 1
    async with asyncio.timeout(_LIMIT_S):
        found, embedded = await _look(target, message["id"], text)
        while not found:
            found, embedded = await _look(target, message["id"], text)
            searches += 1
        found_s = time.perf_counter() - acknowledged
        while not embedded:
            _, embedded = await _look(target, message["id"], text)
    return found_s, time.perf_counter() - acknowledged, searches


async def _look(target: Target, id_: str, text: str) -> tuple[bool, bool]:
    body = {
        "text": text,
        "search_mode": "hybrid",
        "namespace": {"eq": target.namespace},
        "user_id": {"eq": _USER},
        "limit": 5,
        "recency_boost": False,
    }
    answer = checked(await target.http.post("/v1/long-term-memory/search", json=body))
    found = any(id_ in (memory["extracted_from"] or [memory["id"]]) for memory in answer["memories"])
    return found, not answer.get("degraded")

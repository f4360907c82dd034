"""A server process and a chat model: what is stored gets labels, and what says the same becomes one memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from tests.support.chat_service import Asked, chat_service
from tests.support.engines import ENGINES
from tests.support.pipeline import lines_of
from tests.support.processes import serving
from tests.support.waiting import until

STORED = [
    {"id": "a", "text": "Ana drinks green tea every morning.", "user_id": "ana"},
    {"id": "b", "text": "Every morning Ana drinks a green tea, in Rome.", "user_id": "ana"},
    {"id": "c", "text": "Ana has a sister in Oslo.", "user_id": "ana"},
]
MORE_DETAIL = "Every morning Ana drinks a green tea, in Rome."


def answers(asked: Asked) -> dict[str, Any]:
    if "pairs" in (asked.schema or {})["properties"]:
        tea = [(line["number"], "tea" in line["one"] and "tea" in line["other"]) for line in lines_of(asked)]
        return {"pairs": [{"number": n, "relation": "same" if it else "different", "text": ""} for n, it in tea]}
    labels = {"topics": ["habits"], "entities": ["Ana", "Paris"]}
    return {"memories": [{"number": line["number"], **labels} for line in lines_of(asked)]}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_labels_what_is_stored_and_merges_what_says_the_same(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    with chat_service() as service:
        service.answer(answers)
        env = {"OPENAI_API_BASE": service.url, "OPENAI_API_KEY": "key", "TOP_K_TOPICS": "1"}
        env |= {"GENERATION_MODEL": "openai/some-model", "DEDUPLICATION_DISTANCE_THRESHOLD": "1"}
        if engine == "redis":
            url: str = request.getfixturevalue("redis_url")
            with redis.Redis.from_url(url) as client:
                client.flushall()
            env |= {"REDIS_URL": url, "USE_DOCKET": "false"}
        with serving(tmp_path / "data", env=env) as server:
            async with httpx2.AsyncClient(base_url=server.url, timeout=60) as http:
                (await http.post("/v1/long-term-memory/", json={"memories": STORED})).raise_for_status()

                async def record(id_: str) -> dict[str, Any]:
                    found = await http.get(f"/v1/long-term-memory/{id_}")
                    return dict(found.raise_for_status().json())

                async def labelled() -> bool:
                    found = [await record(one["id"]) for one in STORED]
                    return all((one["topics"], one["entities"]) == (["habits"], ["Ana"]) for one in found)

                await until(labelled)
                compacted = await http.post("/v1/long-term-memory/compact", params={"user_id": "ana"})
                assert compacted.json() == {"status": "ok, 2 memories remaining after compaction"}
                assert (await record("a"))["text"] == MORE_DETAIL
                assert (await record("b"))["superseded_by"] == "a"
                history = (await http.get("/v1/long-term-memory/a/history")).json()
                assert {one["text"] for one in history["versions"]} == {STORED[0]["text"], MORE_DETAIL}

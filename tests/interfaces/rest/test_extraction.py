"""`POST /v1/long-term-memory/extract`: what would be read out of a session; and the background that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.interfaces.worker.handlers import HANDLERS
from agent_memory_server.operations.options import Options
from tests.support.jobs import working
from tests.support.rest import answered, serving
from tests.support.waiting import until

MESSAGE = {
    "id": "m1",
    "role": "user",
    "content": "I prefer green tea. I love it!",
    "created_at": "2026-01-31T12:00:00Z",
}
PLACE = {"namespace": "team", "user_id": "ana"}


async def test_a_trial_shows_what_would_be_stored_and_what_is_left_out(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answered(await server.http.put("/v1/working-memory/s1", json={"messages": [MESSAGE], **PLACE}))
        tried = answered(await server.http.post("/v1/long-term-memory/extract", json={"session_id": "s1", **PLACE}))
        assert [memory["text"] for memory in tried["memories"]] == ["User: I prefer green tea."]
        assert tried["memories"][0]["extracted_from"] == ["m1"]
        assert [refused["quote"] for refused in tried["refused"]] == ["I love it!"]


@pytest.mark.parametrize(
    ("body", "status"), [({"session_id": "none"}, 404), ({}, 422), ({"session_id": "s1", "dry_run": False}, 422)]
)
async def test_a_trial_that_cannot_be_made_says_why(tmp_path: Path, body: dict[str, object], status: int) -> None:
    async with serving(tmp_path) as server:
        response = await server.http.post("/v1/long-term-memory/extract", json=body)
        assert response.status_code == status
        assert response.json()["detail"]


async def test_a_session_is_read_in_the_background_and_its_facts_are_found(tmp_path: Path) -> None:
    async with serving(tmp_path, rules=Options(extract_after_s=0.0)) as server:
        path = "/v1/working-memory/s1/messages"
        answered(await server.http.post(path, json={"messages": [MESSAGE], **PLACE}))

        async def read() -> bool:
            found = await server.search("green tea", memory_type={"eq": "semantic"}, namespace={"eq": "team"})
            return bool(found["memories"])

        async with working(server.app, HANDLERS):
            await until(read)
        (message,) = answered(await server.http.get("/v1/working-memory/s1", params=PLACE))["messages"]
        assert message["discrete_memory_extracted"] == "t"

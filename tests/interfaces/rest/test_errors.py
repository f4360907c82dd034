from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from agent_memory_client.models import ErrorResponse
from agent_memory_server.domain import errors
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.interfaces.status import STATUS, status_of
from tests.support.rest import Server


def subclasses(root: type[MemoryServerError]) -> Iterator[type[MemoryServerError]]:
    for cls in root.__subclasses__():
        yield cls
        yield from subclasses(cls)


def test_every_failure_has_a_status_and_a_code_of_its_own() -> None:
    found = [cls for cls in subclasses(MemoryServerError) if cls.__module__ == errors.__name__]
    assert set(found) == set(STATUS)
    assert len({cls.code for cls in found}) == len(found)


def test_a_further_failure_takes_the_status_of_its_nearest_kind() -> None:
    for cls in subclasses(MemoryServerError):
        assert status_of(cls.__new__(cls)) in set(STATUS.values())


class _Failing:
    """A store of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*args: object, **options: object) -> NoReturn:
            raise self._error

        return fail


def break_store(server: Server, error: Exception) -> None:
    serving = server.api.state.serving
    broken: Any = _Failing(error)
    server.api.state.serving = replace(serving, app=replace(serving.app, memories=broken, sessions=broken))


@pytest.mark.parametrize("cls", [cls for cls, status in STATUS.items() if status not in {422, 500}])
async def test_a_failure_is_told_by_status_sentence_and_code(server: Server, cls: type[MemoryServerError]) -> None:
    break_store(server, cls("what happened"))
    response = await server.http.get("/v1/long-term-memory/m")
    assert response.status_code == STATUS[cls]
    body = ErrorResponse.model_validate(response.json())
    assert (body.detail, body.code, bool(body.retryable)) == ("what happened", cls.code, cls.retryable)
    assert ("retry-after" in response.headers) is cls.retryable


async def test_an_outage_of_the_store_is_an_error_on_every_route(server: Server) -> None:
    break_store(server, errors.Unavailable("the disk is gone"))
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1/working-memory/", None),
        ("GET", "/v1/working-memory/s", None),
        ("PUT", "/v1/working-memory/s", {}),
        ("POST", "/v1/working-memory/s/messages", {"messages": [{"role": "user", "content": "hi"}]}),
        ("DELETE", "/v1/working-memory/s", None),
        ("POST", "/v1/long-term-memory/", {"memories": [{"id": "m", "text": "t"}]}),
        ("GET", "/v1/long-term-memory", None),
        ("GET", "/v1/long-term-memory/m", None),
        ("PATCH", "/v1/long-term-memory/m", {"text": "t"}),
        ("DELETE", "/v1/long-term-memory?memory_ids=m", None),
        ("POST", "/v1/long-term-memory/search", {"text": "t"}),
        ("POST", "/v1/long-term-memory/search", {}),
        ("POST", "/v1/memory/prompt", {"query": "q", "session": {"session_id": "s"}}),
        ("POST", "/v1/long-term-memory/forget", {"policy": {}}),
        ("POST", "/v1/long-term-memory/compact", None),
    ]
    for method, path, body in requests:
        response = await server.http.request(method, path, json=body)
        assert response.status_code == 503, (method, path, response.text)


async def test_a_fault_of_the_server_gives_an_id_and_nothing_else(server: Server) -> None:
    break_store(server, RuntimeError("row 'my secret diary' is odd"))
    with capture_logs() as logs:
        response = await server.http.post("/v1/long-term-memory/search", json={"text": "my secret diary"})
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["content-type"].startswith("text/plain")
    fault = next(line for line in logs if line["event"] == "http.fault")
    assert fault["error_id"] == response.headers["x-error-id"]
    assert fault["error"] == "RuntimeError"
    assert "diary" not in json.dumps(logs)


async def test_a_request_leaves_one_line_that_quotes_nothing_of_it(server: Server) -> None:
    with capture_logs() as logs:
        await server.http.put(
            "/v1/working-memory/private-session?model_name=secret-model",
            json={"messages": [{"role": "user", "content": "my secret diary"}]},
            headers={"X-Client-Version": "0.14.0", "Authorization": "Bearer hidden"},
        )
    line = next(entry for entry in logs if entry["event"] == "http.request")
    assert [entry["event"] for entry in logs] == ["http.request"]
    assert (line["method"], line["route"], line["status"]) == ("PUT", "/v1/working-memory/{session_id}", 200)
    assert (line["client"], line["subject"]) == ("0.14.0", "local-dev-user")
    assert line["duration_ms"] > 0
    text = json.dumps(line)
    assert not any(word in text for word in ("diary", "private", "secret", "hidden"))


async def test_the_line_of_a_refused_request_names_the_kind_of_failure(server: Server) -> None:
    with capture_logs() as logs:
        await server.http.get("/v1/long-term-memory/nothing")
    assert [(line["status"], line["error"]) for line in logs] == [(404, "not_found")]


async def test_a_rule_broken_inside_is_told_like_one_broken_at_the_edge(server: Server) -> None:
    body = {"messages": [{"role": "user", "content": "hi", "created_at": "2999-01-01T00:00:00Z"}]}
    response = await server.http.put("/v1/working-memory/s", json=body)
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert (error["type"], error["loc"]) == ("value_error", ["body", "messages", 0, "created_at"])
    assert error["msg"].startswith("Value error, created_at cannot be more than 300 seconds in the future.")
    assert error["ctx"] == {"error": {}}


async def test_a_refusal_does_not_send_back_what_was_sent(server: Server) -> None:
    response = await server.http.post("/v1/long-term-memory/", json={"memories": [{"id": "x" * 5000, "text": 7}]})
    assert response.status_code == 422
    assert len(response.text) < 2000


async def test_a_refusal_of_a_thousand_members_stays_short(server: Server) -> None:
    response = await server.http.post("/v1/long-term-memory/", json={"memories": [{}] * 1000})
    assert response.status_code == 422
    assert len(response.json()["detail"]) == 100

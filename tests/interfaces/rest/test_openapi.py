from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter

from agent_memory_client import models
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from tests.support.rest import Json, Server, answered, application

ROUTES = {
    "GET /v1/health",
    "GET /v1/health/ready",
    "GET /v1/working-memory/",
    "GET /v1/working-memory/{session_id}",
    "PUT /v1/working-memory/{session_id}",
    "DELETE /v1/working-memory/{session_id}",
    "POST /v1/working-memory/{session_id}/messages",
    "POST /v1/long-term-memory/",
    "GET /v1/long-term-memory",
    "DELETE /v1/long-term-memory",
    "GET /v1/long-term-memory/{memory_id}",
    "GET /v1/long-term-memory/{memory_id}/history",
    "PATCH /v1/long-term-memory/{memory_id}",
    "POST /v1/long-term-memory/search",
    "POST /v1/long-term-memory/forget",
    "POST /v1/long-term-memory/compact",
    "POST /v1/long-term-memory/extract",
    "POST /v1/memory/prompt",
    "POST /v1/summary-views",
    "GET /v1/summary-views",
    "GET /v1/summary-views/{view_id}",
    "DELETE /v1/summary-views/{view_id}",
    "POST /v1/summary-views/{view_id}/partitions/run",
    "GET /v1/summary-views/{view_id}/partitions",
    "POST /v1/summary-views/{view_id}/run",
    "GET /v1/tasks/{task_id}",
    "GET /v1/decisions",
    "GET /v1/jobs",
    "GET /v1/jobs/dead",
    "POST /v1/jobs/dead/retry",
    "POST /v1/jobs/dead/discard",
}


@pytest.fixture(scope="module")
def document() -> Json:
    api = create_app(lambda: application(Path("never opened")), RestOptions())
    described: Json = api.openapi()
    return described


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_description_is_valid(document: Json) -> None:
    validate(document)


def test_the_description_names_every_route(document: Json) -> None:
    assert {name for name, _ in operations(document)} == ROUTES


def test_every_route_describes_itself_and_its_failures(document: Json) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        if name.startswith("GET /v1/health"):
            assert operation["security"] == []
            continue
        assert "security" not in operation
        documented = set(operation["responses"])
        assert documented >= {"200", "401", "403", "413", "422", "503", "504"}, name
        for status in documented - {"200"}:
            answer = operation["responses"][status]
            schema = answer["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorResponse"}, (name, status)


def test_statuses_that_depend_on_the_route_are_described(document: Json) -> None:
    described = dict(operations(document))
    assert "404" in described["GET /v1/working-memory/{session_id}"]["responses"]
    assert "409" in described["PUT /v1/working-memory/{session_id}"]["responses"]
    assert "409" in described["PATCH /v1/long-term-memory/{memory_id}"]["responses"]
    assert "400" in described["POST /v1/memory/prompt"]["responses"]


def test_every_write_takes_an_idempotency_key(document: Json) -> None:
    reads = {"POST /v1/long-term-memory/search", "POST /v1/memory/prompt", "POST /v1/long-term-memory/extract"}
    for name, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        writes = not name.startswith("GET") and name not in reads
        assert ("Idempotency-Key" in names) is writes, name


def test_both_ways_to_send_a_token_are_described(document: Json) -> None:
    assert document["components"]["securitySchemes"].keys() == {"token", "key"}
    assert document["security"] == [{"token": []}, {"key": []}]


def model_named(reference: str) -> Any:
    name = reference.rpartition("/")[2]
    model = getattr(models, name, None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def examples(document: Json) -> Iterator[tuple[str, str, Any]]:
    """Every example with the name of its schema."""
    for name, operation in operations(document):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media:
            for example in media["examples"].values():
                yield name, media["schema"]["$ref"], example["value"]
        for status, answer in operation["responses"].items():
            media = answer.get("content", {}).get("application/json", {})
            if "example" in media:
                if media["schema"].get("type") == "array":
                    for item in media["example"]:
                        yield f"{name} {status}", media["schema"]["items"]["$ref"], item
                else:
                    yield f"{name} {status}", media["schema"]["$ref"], media["example"]


def test_every_example_fits_its_model(document: Json) -> None:
    checked = 0
    for name, reference, example in examples(document):
        model = model_named(reference)
        if model is None:
            assert reference.endswith("ReadinessResponse"), name
            continue
        TypeAdapter(model).validate_python(example)
        checked += 1
    assert checked > 60


def test_every_route_has_an_example_of_success_and_of_its_body(document: Json) -> None:
    for name, operation in operations(document):
        assert "example" in operation["responses"]["200"]["content"]["application/json"], name
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["examples"], name


async def test_the_examples_work_when_sent(server: Server, document: Json) -> None:
    order = [
        "PUT /v1/working-memory/{session_id}",
        "POST /v1/working-memory/{session_id}/messages",
        "POST /v1/long-term-memory/",
        "PATCH /v1/long-term-memory/{memory_id}",
        "POST /v1/long-term-memory/search",
        "POST /v1/memory/prompt",
        "POST /v1/long-term-memory/forget",
    ]
    described = dict(operations(document))
    for name in order:
        method, _, path = name.partition(" ")
        body = described[name]["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
        where = path.format(session_id="chat-1", memory_id="seat-preference")
        answered(await server.http.request(method, where, json=body))


async def test_the_description_is_served_as_it_is(server: Server) -> None:
    served = answered(await server.http.get("/openapi.json"))
    assert served == server.api.openapi()
    assert served["info"]["title"] == "Agent Memory Server"

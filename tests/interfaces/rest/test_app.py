from __future__ import annotations

import re
import time
from pathlib import Path

import httpx2
import pytest

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.openai_chat import OpenAIChat
from agent_memory_server.adapters.providers.chat.wrappers.retrying import Breaker
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.ports.chat_model import ChatRequest
from tests.support.chat_service import chat_service
from tests.support.jobs import queue_of
from tests.support.rest import Server, answered, serving


async def test_health_tells_the_clock_in_milliseconds(server: Server) -> None:
    before = time.time() * 1000
    now = answered(await server.http.get("/v1/health"))["now"]
    assert isinstance(now, int)
    assert before - 1 <= now <= time.time() * 1000 + 1


async def test_background_work_is_told_of_requests_but_not_of_looks_at_the_process(server: Server) -> None:
    server.app.requests._clock = lambda: 0.0
    await server.http.get("/v1/health")
    assert not server.app.requests.coming()
    await server.http.post("/v1/long-term-memory/search", json={"text": "tea"})
    assert server.app.requests.coming()


async def test_readiness_names_every_part(server: Server) -> None:
    await queue_of(server.app).beat("a worker", now=server.app.clock())
    assert answered(await server.http.get("/v1/health/ready")) == {
        "status": "ready",
        "parts": [
            {"name": "store", "ok": True, "needed": True, "reason": None},
            {"name": "embedder", "ok": True, "needed": False, "reason": None},
            {"name": "workers", "ok": True, "needed": False, "reason": None},
        ],
    }


async def test_a_server_whose_background_work_nobody_does_is_degraded(server: Server) -> None:
    queue = queue_of(server.app)
    await queue.beat("a worker", now=server.app.clock() - 91)
    ready = answered(await server.http.get("/v1/health/ready"))
    (workers,) = [part for part in ready["parts"] if part["name"] == "workers"]
    assert (ready["status"], workers["ok"], workers["needed"]) == ("degraded", False, False)
    assert "no worker was seen for 90 s" in workers["reason"]


async def test_readiness_tells_of_a_chat_model_without_asking_it(tmp_path: Path) -> None:
    with chat_service() as service:
        patient = Breaker(
            OpenAIChat(service.url, "m", timeout_s=60, connect_timeout_s=60), model="m", failures=1, cooldown_s=600
        )
        model = ServiceChatModel(patient, model="m", context_tokens=8000, timeout_s=60)
        async with serving(tmp_path, chat=model) as server:
            *_, part = answered(await server.http.get("/v1/health/ready"))["parts"]
            assert part == {"name": "chat", "ok": True, "needed": False, "reason": None}
            assert service.asked == []
            service.fail(500)
            with pytest.raises(Unavailable):
                await model.ask(ChatRequest(purpose="test", instructions="", text="?"))
            ready = answered(await server.http.get("/v1/health/ready"))
            assert ready["status"] == "degraded"
            assert "asked again in" in ready["parts"][-1]["reason"]
        await model.close()


@pytest.mark.parametrize("path", ["/", "/health", "/v1", "/v2/health", "/v1/working-memory/a/b", "/v1/nothing"])
async def test_a_path_that_no_route_has_is_not_found(server: Server, path: str) -> None:
    response = await server.http.get(path)
    assert response.status_code == 404
    assert response.json()["detail"] == "Not Found"


async def test_sessions_without_a_slash_redirect_to_the_slash(server: Server) -> None:
    response = await server.http.get("/v1/working-memory")
    assert response.status_code == 307
    assert response.headers["location"].endswith("/v1/working-memory/")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/long-term-memory", "DELETE, GET"),
        ("DELETE", "/v1/long-term-memory/", "POST"),
        ("POST", "/v1/health", "GET"),
        ("PATCH", "/v1/working-memory/s", "DELETE, GET, PUT"),
        ("GET", "/v1/working-memory/s/messages", "POST"),
    ],
)
async def test_a_method_that_a_path_lacks_is_refused_with_those_it_has(
    server: Server, method: str, path: str, allowed: str
) -> None:
    response = await server.http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert response.json() == {"detail": "Method Not Allowed", "code": "method_not_allowed"}


@pytest.mark.parametrize("path", ["/v1/working-memory/a%2Fb", "/v1/long-term-memory/a%2Fb"])
async def test_an_encoded_slash_in_an_id_matches_no_route(server: Server, path: str) -> None:
    response = await server.http.get(path)
    assert (response.status_code, response.json()["detail"]) == (404, "Not Found")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_load_nothing_from_another_host(server: Server, path: str) -> None:
    response = await server.http.get(path)
    assert response.status_code == 200
    assert "openapi.json" in response.text
    assert "://" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_every_answer_carries_a_request_id(server: Server) -> None:
    one, other = [(await server.http.get("/v1/health")).headers["x-request-id"] for _ in range(2)]
    assert one != other
    assert re.fullmatch(r"[0-9A-Z]{26}-\d+", one)
    echoed = await server.http.get("/v1/health", headers={"X-Request-ID": "trace-7"})
    assert echoed.headers["x-request-id"] == "trace-7"


async def test_a_request_id_with_odd_characters_is_replaced(server: Server) -> None:
    response = await server.http.get("/v1/health", headers={"X-Request-ID": 'a"b c'})
    assert re.fullmatch(r"[0-9A-Z]{26}-\d+", response.headers["x-request-id"])


class _Broken:
    async def ping(self) -> None:
        raise Unavailable("the disk is gone")


async def test_readiness_fails_when_the_store_does(server: Server) -> None:
    from dataclasses import replace

    serving = server.api.state.serving
    server.api.state.serving = replace(serving, app=replace(serving.app, memories=_Broken()))
    response = await server.http.get("/v1/health/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["parts"][0]["reason"] == "the disk is gone"


async def test_answers_of_a_client_that_says_its_version_are_the_same(server: Server) -> None:
    plain: httpx2.Response = await server.http.get("/v1/working-memory/")
    versioned = await server.http.get("/v1/working-memory/", headers={"X-Client-Version": "0.14.0"})
    assert plain.json() == versioned.json() == {"sessions": [], "total": 0}

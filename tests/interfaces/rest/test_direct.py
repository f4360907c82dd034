"""Requests that are read without the framework's machinery get the answers that they get with it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.rest import Server, serving

USUAL = {"Idempotency-Key": "usual"}
"""An idempotency key is read the usual way, also where it has no meaning."""

MEMORY = {"id": "m1", "text": "Ana likes tea", "user_id": "ana", "event_date": "2024-05-01"}
SESSION = {"messages": [{"id": "1", "role": "user", "content": "hello"}], "user_id": "ana"}

READS = [
    "/v1/health",
    "/v1/working-memory/",
    "/v1/working-memory/?limit=1&offset=0&user_id=ana",
    "/v1/working-memory/?limit=0",
    "/v1/working-memory/?limit=1&limit=2",
    "/v1/working-memory/?limit=two&offset=-1",
    "/v1/working-memory/?limit=",
    "/v1/working-memory/?unknown=1",
    "/v1/working-memory/?namespace=%00",
    "/v1/working-memory/s1",
    "/v1/working-memory/s1?user_id=ana&recent_messages_limit=1",
    "/v1/working-memory/s1?user_id=&namespace=",
    "/v1/working-memory/s1?user_id=%61na&model_name=gpt-4o+mini",
    "/v1/working-memory/s1?user_id=%FF",
    "/v1/working-memory/s1?context_window_max=1e3",
    "/v1/working-memory/s1?context_window_max=99999999999999999999",
    "/v1/working-memory/%F0%9F%92%A9",
    "/v1/working-memory/%00",
    f"/v1/working-memory/{'s' * 513}",
    "/v1/long-term-memory/m1",
    "/v1/long-term-memory/m2?x=1",
    "/v1/long-term-memory/%00",
]
SEARCH = "/v1/long-term-memory/search"
BODIES = [
    (SEARCH, b'{"text": "tea"}'),
    (SEARCH + "?optimize_query=true", b'{"text": "tea"}'),
    (SEARCH + "?optimize_query=maybe", b'{"text": "tea"}'),
    (SEARCH, b'{"text": "tea", "user_id": {"eq": "ana"}, "limit": 1}'),
    (SEARCH, b'{"text": "tea", "limit": 0, "nonsense": 1}'),
    (SEARCH, b'\xef\xbb\xbf{"text": "tea"}'),
    (SEARCH, '{"text": "tea"}'.encode("utf-16")),
    (SEARCH, b'{"text": "\xff"}'),
    (SEARCH, b'{"text": "tea", "text": "milk"}'),
    (SEARCH, b"[" * 100_000),
    (SEARCH, b"[]"),
    (SEARCH, b""),
    ("/v1/memory/prompt", b'{"query": "tea", "long_term_search": {"limit": 1}}'),
    ("/v1/memory/prompt?optimize_query=1", b'{"query": "tea", "long_term_search": true}'),
    ("/v1/memory/prompt", b"{}"),
]


@pytest.fixture
async def filled(server: Server) -> Server:
    await server.http.post("/v1/long-term-memory/", json={"memories": [MEMORY]})
    await server.http.put("/v1/working-memory/s1", json=SESSION)
    return server


def told(response: httpx2.Response) -> tuple[int, Any, dict[str, str]]:
    """What an answer says, apart from what differs each time."""
    body = response.json()
    if isinstance(body, dict):
        body.pop("now", None)
    fixed = {name: value for name, value in response.headers.items() if name not in {"x-request-id", "content-length"}}
    return response.status_code, body, fixed


@pytest.mark.parametrize("path", READS)
async def test_a_read_is_answered_alike_both_ways(filled: Server, path: str) -> None:
    direct = await filled.http.get(path)
    usual = await filled.http.get(path, headers=USUAL)
    assert told(direct) == told(usual)


@pytest.mark.parametrize(("path", "body"), BODIES)
async def test_a_body_is_read_alike_both_ways(filled: Server, path: str, body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    direct = await filled.http.post(path, content=body, headers=kind)
    usual = await filled.http.post(path, content=body, headers=kind | USUAL)
    assert told(direct) == told(usual)


WRITES = [
    ("POST", "/v1/long-term-memory/", b'{"memories": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]}'),
    ("POST", "/v1/long-term-memory/", b'{"memories": [{"id": "a", "text": "x", "unknown": 1}]}'),
    ("POST", "/v1/long-term-memory/", b'{"memories": [{"id": "a", "text": " "}]}'),
    ("POST", "/v1/long-term-memory/", b'{"memories": []}'),
    ("PATCH", "/v1/long-term-memory/m1", b'{"text": "Ana likes milk", "event_date": null}'),
    ("PATCH", "/v1/long-term-memory/none", b'{"text": "Ana likes milk"}'),
    ("PATCH", "/v1/long-term-memory/m1", b'{"id": "other"}'),
    ("PUT", "/v1/working-memory/s2", b'{"messages": [{"id": "1", "role": "user", "content": "hi"}]}'),
    ("PUT", "/v1/working-memory/s2?context_window_max=100", b'{"messages": []}'),
    ("PUT", "/v1/working-memory/s2?context_window_max=no", b'{"messages": []}'),
    ("POST", "/v1/working-memory/s3/messages", b'{"messages": [{"id": "1", "role": "user", "content": "hi"}]}'),
    ("POST", "/v1/working-memory/s3/messages", b'{"messages": [{"role": "user"}]}'),
]


def _shape(value: Any) -> Any:
    """A body without its times, which differ between two writes."""
    if isinstance(value, dict):
        times = {"created_at", "updated_at", "last_accessed", "persisted_at", "valid_from"}
        return {name: _shape(member) for name, member in value.items() if name not in times}
    return [_shape(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_write_does_the_same_both_ways(
    tmp_path_factory: pytest.TempPathFactory, method: str, path: str, body: bytes
) -> None:
    answers = []
    for headers in ({}, USUAL):
        async with serving(tmp_path_factory.mktemp("folder")) as server:
            await server.http.post("/v1/long-term-memory/", json={"memories": [MEMORY]})
            sent = {"Content-Type": "application/json", **headers}
            response = await server.http.request(method, path, content=body, headers=sent)
            answers.append((response.status_code, _shape(response.json()), response.headers.get("etag")))
    assert answers[0] == answers[1]

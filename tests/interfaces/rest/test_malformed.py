"""Malformed requests: none of them may be a fault of the server, and none may be taken for something else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.rest import Json, Server

S = "/v1/working-memory/s"
CREATE = "/v1/long-term-memory/"
SEARCH = "/v1/long-term-memory/search"
FORGET = "/v1/long-term-memory/forget"
PROMPT = "/v1/memory/prompt"
APPEND = f"{S}/messages"
JSON = {"Content-Type": "application/json"}
AT = "2026-01-31T12:00:00Z"


def turn(**members: Any) -> Json:
    return {"role": "user", "content": "hi", "created_at": AT, **members}


def memory(**members: Any) -> Json:
    return {"memories": [{"id": "a", "text": "t", **members}]}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


BODIES: list[tuple[str, str, bytes]] = [
    (method, path, content)
    for method, path in (
        ("PUT", S),
        ("POST", APPEND),
        ("POST", CREATE),
        ("PATCH", "/v1/long-term-memory/a"),
        ("POST", SEARCH),
        ("POST", FORGET),
        ("POST", PROMPT),
    )
    for content in (
        b"{",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"true",
        b"NaN",
        b"{'a': 1}",
        b'{"a": 1} trailing',
        b'{"text": "\xff\xfe"}',
        b'{"text": "\x00"}',
        nested(100_000).encode(),
        b'{"limit": ' + b"9" * 5000 + b"}",
    )
]


@pytest.mark.parametrize(("method", "path", "content"), BODIES)
async def test_a_body_that_is_no_request_is_refused(server: Server, method: str, path: str, content: bytes) -> None:
    response = await server.http.request(method, path, content=content, headers=JSON)
    assert response.status_code in {400, 422}, response.text
    assert response.json()["code"] in {"invalid_request", "request_refused"}
    assert (await server.app.memories.stats()).memories == 0


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_body_that_is_not_called_json_is_refused(server: Server, type_: str | None) -> None:
    content = json.dumps(memory()).encode()
    response = await server.http.post(CREATE, content=content, headers={"Content-Type": type_} if type_ else {})
    assert response.status_code == 422
    assert (await server.app.memories.stats()).memories == 0


REFUSED: list[tuple[str, str, Any]] = [
    # create
    ("POST", CREATE, {}),
    ("POST", CREATE, {"memories": None}),
    ("POST", CREATE, {"memories": "x"}),
    ("POST", CREATE, {"memories": [None]}),
    ("POST", CREATE, {"memories": [{"text": "t"}]}),
    ("POST", CREATE, {"memories": [{"id": "a"}]}),
    ("POST", CREATE, memory(id="")),
    ("POST", CREATE, memory(id=None)),
    ("POST", CREATE, memory(id=7)),
    ("POST", CREATE, memory(id="x" * 513)),
    ("POST", CREATE, memory(id="a\x00b")),
    ("POST", CREATE, memory(text="")),
    ("POST", CREATE, memory(text="   \n")),
    ("POST", CREATE, memory(text=None)),
    ("POST", CREATE, memory(text=7)),
    ("POST", CREATE, memory(text=["t"])),
    ("POST", CREATE, memory(text="a\x00b")),
    ("POST", CREATE, memory(text="a\ud800b")),
    ("POST", CREATE, memory(memory_type="odd")),
    ("POST", CREATE, memory(topics="a")),
    ("POST", CREATE, memory(topics=["a,b"])),
    ("POST", CREATE, memory(entities=["a", "b,c"])),
    ("POST", CREATE, memory(extracted_from=["a,b"])),
    ("POST", CREATE, memory(topics=[7])),
    ("POST", CREATE, memory(topics=[" "])),
    ("POST", CREATE, memory(topics=["t"] * 1001)),
    ("POST", CREATE, memory(access_count=-1)),
    ("POST", CREATE, memory(access_count=1.5)),
    ("POST", CREATE, memory(access_count=2**63)),
    ("POST", CREATE, memory(pinned="yes")),
    ("POST", CREATE, memory(created_at="yesterday")),
    ("POST", CREATE, memory(created_at=None)),
    ("POST", CREATE, memory(created_at="2024")),
    ("POST", CREATE, memory(created_at=1e30)),
    ("POST", CREATE, memory(created_at="0001-01-01T00:00:00+14:00")),
    ("POST", CREATE, memory(event_date="2026-02-30")),
    ("POST", CREATE, memory(discrete_memory_extracted="x")),
    ("POST", CREATE, memory(metadata=[])),
    ("POST", CREATE, memory(metadata={"a": json.loads(nested(100))})),
    ("PUT", S, {"data": {"a": json.loads(nested(100))}}),
    ("POST", CREATE, memory(metadata={"a\x00": 1})),
    ("POST", CREATE, memory(metadata={"a": 2**70})),
    ("POST", CREATE, memory(namespace="n\x00")),
    ("POST", CREATE, memory(user_id=7)),
    ("POST", CREATE, memory(user_id="x" * 513)),
    ("POST", CREATE, memory(txt="misspelt")),
    ("POST", CREATE, {**memory(), "dedupe": True}),
    ("POST", CREATE, {**memory(), "deduplicate": "no"}),
    # change
    ("PATCH", "/v1/long-term-memory/a", {"topics": "x"}),
    ("PATCH", "/v1/long-term-memory/a", {"topics": ["a,b"]}),
    ("PATCH", "/v1/long-term-memory/a", {"memory_type": "odd"}),
    ("PATCH", "/v1/long-term-memory/a", {"event_date": "never"}),
    ("PATCH", "/v1/long-term-memory/a", {"pinned": 1}),
    ("PATCH", "/v1/long-term-memory/a", {"txt": "misspelt"}),
    # search
    ("POST", SEARCH, {"limit": 0}),
    ("POST", SEARCH, {"limit": -1}),
    ("POST", SEARCH, {"limit": 101}),
    ("POST", SEARCH, {"limit": 100_000}),
    ("POST", SEARCH, {"limit": "10"}),
    ("POST", SEARCH, {"limit": 1.5}),
    ("POST", SEARCH, {"limit": True}),
    ("POST", SEARCH, {"offset": -5}),
    ("POST", SEARCH, {"offset": 10**30}),
    ("POST", SEARCH, {"search_mode": "psychic"}),
    ("POST", SEARCH, {"hybrid_alpha": 1.1}),
    ("POST", SEARCH, {"hybrid_alpha": -0.1}),
    ("POST", SEARCH, {"hybrid_alpha": "0.5"}),
    ("POST", SEARCH, {"text_scorer": "ODD"}),
    ("POST", SEARCH, {"text": "t", "distance_threshold": -1}),
    ("POST", SEARCH, {"text": 7}),
    ("POST", SEARCH, {"text": ["t"]}),
    ("POST", SEARCH, {"text": "x" * 100_001}),
    ("POST", SEARCH, {"recency_boost": "yes"}),
    ("POST", SEARCH, {"recency_semantic_weight": -1}),
    ("POST", SEARCH, {"recency_half_life_created_days": 0}),
    ("POST", SEARCH, {"tex": "misspelt"}),
    ("POST", SEARCH, {"user": {"eq": "misspelt"}}),
    ("POST", SEARCH, {"user_id": {"eq": "a\x00b"}}),
    ("POST", SEARCH, {"topics": {"any": ["t"] * 1001}}),
    # sessions
    ("PUT", S, {"messages": None}),
    ("PUT", S, {"messages": {}}),
    ("PUT", S, {"messages": [{}]}),
    ("PUT", S, {"messages": [{"role": "user"}]}),
    ("PUT", S, {"messages": [turn(role="")]}),
    ("PUT", S, {"messages": [turn(role=None)]}),
    ("PUT", S, {"messages": [turn(content=None)]}),
    ("PUT", S, {"messages": [turn(content=7)]}),
    ("PUT", S, {"messages": [turn(content="a\x00b")]}),
    ("PUT", S, {"messages": [turn(content="a\ud800b")]}),
    ("PUT", S, {"messages": [turn(id="")]}),
    ("PUT", S, {"messages": [turn(id="m"), turn(id="m")]}),
    ("PUT", S, {"messages": [turn(created_at=None)]}),
    ("PUT", S, {"messages": [turn(created_at="soon")]}),
    ("PUT", S, {"messages": [turn(created_at="2999-01-01T00:00:00Z")]}),
    ("PUT", S, {"messages": [turn(created_at=32_472_144_000)]}),
    ("PUT", S, {"messages": [turn(discrete_memory_extracted="maybe")]}),
    ("PUT", S, {"memories": [{"id": "a", "text": ""}]}),
    ("PUT", S, {"memories": [{"id": "a", "text": " "}]}),
    ("PUT", S, {"memories": [{"id": "", "text": "t"}]}),
    ("PUT", S, {"memories": [{"id": "a", "text": "t", "topics": ["a,b"]}]}),
    ("PUT", S, {"data": []}),
    ("PUT", S, {"data": "x"}),
    ("PUT", S, {"data": {"a": {"b": "\ud800"}}}),
    ("PUT", S, {"context": 7}),
    ("PUT", S, {"tokens": "7"}),
    ("PUT", S, {"tokens": 2**64}),
    ("PUT", S, {"ttl_seconds": 0}),
    ("PUT", S, {"ttl_seconds": -1}),
    ("PUT", S, {"ttl_seconds": 1.5}),
    ("PUT", S, {"ttl_seconds": 10**12}),
    ("PUT", S, {"long_term_memory_strategy": {"strategy": "odd"}}),
    ("PUT", S, {"long_term_memory_strategy": "discrete"}),
    ("PUT", S, {"user_id": "a\x00b"}),
    ("PUT", f"{S}?context_window_max=-1", {}),
    ("PUT", f"{S}?context_window_max=x", {}),
    ("PUT", f"{S}?model_name=a%00b", {}),
    ("POST", APPEND, {"messages": [turn()], "ttl": 5}),
    ("POST", APPEND, {"messages": [turn()], "ttl_seconds": 0}),
    ("GET", f"{S}?recent_messages_limit=-1", None),
    ("GET", f"{S}?recent_messages_limit=99999999999999999999", None),
    ("GET", f"{S}?context_window_max=-1", None),
    ("GET", f"{S}?user_id=a%00b", None),
    ("GET", "/v1/working-memory/?limit=0", None),
    ("GET", "/v1/working-memory/?limit=101", None),
    ("GET", "/v1/working-memory/?limit=x", None),
    ("GET", "/v1/working-memory/?offset=-1", None),
    ("GET", "/v1/working-memory/?offset=99999999999999999999", None),
    ("GET", "/v1/working-memory/?namespace=%00", None),
    ("GET", "/v1/working-memory/%00", None),
    ("PUT", "/v1/working-memory/%00", {}),
    ("DELETE", "/v1/working-memory/%00", None),
    ("PUT", "/v1/working-memory/" + "x" * 513, {}),
    ("GET", "/v1/long-term-memory/%00", None),
    ("PATCH", "/v1/long-term-memory/%00", {"text": "t"}),
    ("GET", "/v1/long-term-memory/" + "x" * 513, None),
    ("DELETE", "/v1/long-term-memory?memory_ids=%00", None),
    ("DELETE", "/v1/long-term-memory?memory_ids=", None),
    ("DELETE", "/v1/long-term-memory?" + "&".join(["memory_ids=a"] * 1001), None),
    # prompt
    ("POST", PROMPT, {}),
    ("POST", PROMPT, {"query": None, "long_term_search": {}}),
    ("POST", PROMPT, {"query": "q", "long_term_search": "yes"}),
    ("POST", PROMPT, {"query": "q", "long_term_search": {"limit": 0}}),
    ("POST", PROMPT, {"query": "q", "long_term_search": {"user_id": {}}}),
    ("POST", PROMPT, {"query": "q", "session": {}}),
    ("POST", PROMPT, {"query": "q", "session": {"session_id": ""}}),
    ("POST", PROMPT, {"query": "q", "session": {"session_id": "s", "context_window_max": -1}}),
    ("POST", PROMPT, {"query": "q", "sesion": {"session_id": "s"}}),
    ("POST", f"{PROMPT}?optimize_query=maybe", {"query": "q", "long_term_search": {}}),
    # forget
    ("POST", FORGET, {}),
    ("POST", FORGET, {"policy": None}),
    ("POST", FORGET, {"policy": []}),
    ("POST", FORGET, {"policy": {}, "pinned_ids": "a"}),
    ("POST", FORGET, {"policy": {}, "pinned": ["a"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
async def test_a_request_that_cannot_be_meant_is_refused(server: Server, method: str, path: str, body: Any) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    response = await server.http.request(method, path, content=content, headers=JSON)
    assert response.status_code == 422, response.text
    detail = response.json()["detail"]
    assert detail
    for error in detail:
        assert error["loc"][0] in {"body", "query", "path"}
        assert error["msg"]
        assert "url" not in error
    assert (await server.app.memories.stats()).memories == 0


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (CREATE, b'{"memories": [{"id": "a", "text": "t", "access_count": NaN}]}'),
        (CREATE, b'{"memories": [{"id": "a", "text": "t", "metadata": {"a": Infinity}}]}'),
        (SEARCH, b'{"text": "t", "distance_threshold": NaN}'),
        (SEARCH, b'{"text": "t", "distance_threshold": 1e999}'),
        (SEARCH, b'{"text": "t", "hybrid_alpha": NaN, "search_mode": "hybrid"}'),
        (SEARCH, b'{"text": "t", "recency_semantic_weight": Infinity}'),
        (SEARCH, b'{"created_at": {"gte": NaN}}'),
        (FORGET, b'{"policy": {"hard_age_multiplier": NaN}}'),
    ],
)
async def test_a_number_that_is_none_is_refused(server: Server, path: str, content: bytes) -> None:
    response = await server.http.post(path, content=content, headers=JSON)
    assert response.status_code == 422, response.text


@pytest.mark.parametrize("path", ["/v1/working-memory/%FF", "/v1/long-term-memory/%ED%A0%80", f"{S}?user_id=%FF"])
async def test_bytes_that_are_no_text_name_nothing(server: Server, path: str) -> None:
    assert (await server.http.get(path)).status_code in {404, 422}


async def test_a_large_text_within_the_limits_is_taken(server: Server) -> None:
    text = "word " * 199_999
    done = await server.remember({"id": "big", "text": text})
    assert done["items"] == [{"id": "big", "status": "created"}]
    response = await server.http.post(CREATE, json={"memories": [{"id": "a", "text": "x" * 1_000_001}]})
    assert response.status_code == 422

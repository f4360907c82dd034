"""The client: what it sends, when it tries again, and which errors it raises. No server is involved here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import agent_memory_client
from agent_memory_client import (
    ForgetPolicy,
    MemoryAPIClient,
    MemoryClientConfig,
    MemoryClientError,
    MemoryConflictError,
    MemoryConnectionError,
    MemoryDeadlineError,
    MemoryForbiddenError,
    MemoryInvalidRequestError,
    MemoryNotFoundError,
    MemoryRateLimitedError,
    MemoryRequestRefusedError,
    MemoryServerError,
    MemoryTimeoutError,
    MemoryTooLargeError,
    MemoryUnauthenticatedError,
    MemoryUnavailableError,
    MemoryValidationError,
    create_memory_client,
    exceptions,
)
from agent_memory_client.filters import CreatedAt, Topics
from agent_memory_client.models import ClientMemoryRecord, MemoryMessage, RecencyConfig, WorkingMemory

Answer = httpx2.Response | Exception


class Server:
    """Answers requests from a list, the last one over and over, and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def client(self, **config: Any) -> MemoryAPIClient:
        settings = MemoryClientConfig(base_url="http://memory.test", **{"retry_delay": 0, **config})
        return MemoryAPIClient(settings, transport=httpx2.MockTransport(self))

    @property
    def body(self) -> Any:
        """The JSON body of the last request."""
        return json.loads(self.requests[-1].content)


def ok(**body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def failed(status: int, **body: Any) -> httpx2.Response:
    return httpx2.Response(status, json=body)


ACK = ok(status="ok")
SESSION = ok(session_id="s")
RESULTS = ok(memories=[], total=0, next_offset=None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "request_refused", MemoryRequestRefusedError),
        (400, None, MemoryRequestRefusedError),
        (401, None, MemoryUnauthenticatedError),
        (403, "forbidden", MemoryForbiddenError),
        (404, "not_found", MemoryNotFoundError),
        (409, "conflict", MemoryConflictError),
        (412, None, MemoryConflictError),
        (413, "too_large", MemoryTooLargeError),
        (422, "invalid_request", MemoryInvalidRequestError),
        (429, "rate_limited", MemoryRateLimitedError),
        (500, "internal", MemoryServerError),
        (502, None, MemoryUnavailableError),
        (503, "deadline_exceeded", MemoryDeadlineError),
        (503, "a code of a later version", MemoryUnavailableError),
        (504, None, MemoryDeadlineError),
        (418, None, MemoryServerError),
    ],
)
async def test_an_answer_becomes_the_error_of_its_code_or_else_of_its_status(
    status: int, code: str | None, kind: type[MemoryClientError]
) -> None:
    server = Server(failed(status, detail="the reason", **({"code": code} if code else {})))
    async with server.client(retries=0) as client:
        with pytest.raises(MemoryClientError, match=r"the reason \(GET /v1/health\)") as caught:
            await client.health_check()
    assert type(caught.value) is kind
    assert isinstance(caught.value, MemoryNotFoundError | MemoryServerError)
    assert (caught.value.status_code, caught.value.code) == (status, code)


async def test_an_invalid_request_names_its_members() -> None:
    detail = [{"type": "x", "loc": ["body", "limit"], "msg": "too large", "input": 1000}]
    async with Server(failed(422, detail=detail)).client() as client:
        with pytest.raises(MemoryValidationError, match=r"body\.limit: too large"):
            await client.health_check()


async def test_an_answer_that_is_no_error_of_this_server_is_told_as_it_is() -> None:
    fault = httpx2.Response(500, text="Internal Server Error", headers={"X-Error-ID": "e1"})
    async with Server(fault).client() as client:
        with pytest.raises(MemoryServerError, match="HTTP 500: Internal Server Error") as caught:
            await client.health_check()
    assert caught.value.error_id == "e1"
    async with Server(httpx2.Response(301, headers={"Location": "https://elsewhere.test"})).client() as client:
        with pytest.raises(MemoryServerError, match="HTTP 301"):
            await client.health_check()
    async with Server(httpx2.Response(200, text="<html>hello</html>")).client() as client:
        with pytest.raises(MemoryServerError, match="not a HealthCheckResponse"):
            await client.health_check()


async def test_every_error_has_one_root_and_validation_errors_are_value_errors() -> None:
    public = [value for value in vars(exceptions).values() if isinstance(value, type)]
    assert all(issubclass(kind, MemoryClientError) for kind in public)
    assert issubclass(MemoryValidationError, ValueError)
    assert issubclass(MemoryInvalidRequestError, MemoryServerError)


async def test_a_failure_that_may_pass_is_tried_again() -> None:
    server = Server(failed(503, detail="starting"), httpx2.ConnectError("refused"), ok(now=5))
    async with server.client() as client:
        assert (await client.health_check()).now == 5
    assert len(server.requests) == 3


async def test_attempts_end_and_the_last_failure_is_told() -> None:
    server = Server(failed(503, detail="starting"))
    async with server.client(retries=1) as client:
        with pytest.raises(MemoryUnavailableError) as caught:
            await client.health_check()
    assert len(server.requests) == 2
    assert caught.value.retryable


async def test_what_will_not_pass_is_not_tried_again() -> None:
    for answer in (failed(500, detail="bug"), failed(400, detail="no"), failed(503, detail="no", retryable=False)):
        server = Server(answer)
        async with server.client() as client:
            with pytest.raises(MemoryServerError):
                await client.health_check()
        assert len(server.requests) == 1


async def test_a_deletion_by_policy_is_repeated_only_when_it_was_never_carried_out() -> None:
    done = ok(scanned=0, deleted=0, deleted_ids=[], dry_run=False)
    for unknown in (httpx2.ReadTimeout("late"), failed(503, detail="no")):
        server = Server(unknown, done)
        async with server.client() as client:
            with pytest.raises(MemoryClientError):
                await client.forget_long_term_memories(ForgetPolicy(budget=1))
        assert len(server.requests) == 1
    for never_done in (httpx2.ConnectError("refused"), failed(429, detail="wait")):
        server = Server(never_done, done)
        async with server.client() as client:
            assert (await client.forget_long_term_memories(ForgetPolicy(budget=1))).deleted == 0
        assert len(server.requests) == 2


async def test_repeated_writes_carry_the_same_key_and_new_ones_another() -> None:
    appended = ok(session_id="s", revision=1, message_count=1)
    server = Server(httpx2.ReadError("broke"), appended)
    async with server.client() as client:
        await client.append_messages("s", [{"role": "user", "content": "hello"}])
        await client.append_messages("s", [{"role": "user", "content": "hello"}])
    first, repeated, another = [request.headers["Idempotency-Key"] for request in server.requests]
    assert first == repeated != another
    assert server.requests[0].content == server.requests[1].content


async def test_the_server_says_how_long_to_wait_within_the_client_s_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(delay: float) -> None:
        waits.append(delay)

    monkeypatch.setattr(asyncio, "sleep", note)
    limited = [httpx2.Response(429, headers={"Retry-After": value}) for value in ("3", "3600", "soon")]
    async with Server(*limited, ok(now=1)).client(retries=3, retry_delay=0.5, max_retry_delay=9) as client:
        await client.health_check()
    assert waits[:2] == [3.0, 9]
    assert 1.0 <= waits[2] <= 2.0


async def test_a_broken_connection_is_an_error_of_this_package() -> None:
    for exc, kind in [
        (httpx2.ConnectError("refused"), MemoryConnectionError),
        (httpx2.ReadTimeout("late"), MemoryTimeoutError),
        (httpx2.UnsupportedProtocol("ftp"), MemoryConnectionError),
    ]:
        async with Server(exc).client() as client:
            with pytest.raises(kind) as caught:
                await client.health_check()
        assert caught.value.__cause__ is exc


async def test_the_token_and_headers_go_along_and_the_token_is_never_shown() -> None:
    server = Server(ok(now=1))
    async with server.client(token="secret", headers={"X-Team": "a"}) as client:
        await client.health_check()
        assert "secret" not in repr(client.config)
    sent = server.requests[0].headers
    assert (sent["Authorization"], sent["X-Team"]) == ("Bearer secret", "a")
    assert sent["X-Client-Version"] == agent_memory_client.__version__
    assert sent["User-Agent"] == f"agent-memory-client/{agent_memory_client.__version__}"


async def test_an_unreachable_server_is_told_when_the_client_is_made() -> None:
    with pytest.raises(MemoryClientError, match=r"Failed to connect to memory server at http://memory\.test"):
        await create_memory_client(
            "http://memory.test", transport=httpx2.MockTransport(Server(failed(500, detail="x")))
        )
    client = await create_memory_client("http://memory.test", transport=httpx2.MockTransport(Server(ok(now=1))))
    await client.close()


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "\ud800"])
async def test_an_id_that_no_address_can_carry_is_refused_before_it_is_sent(value: str) -> None:
    server = Server(ACK)
    calls: list[Callable[[MemoryAPIClient], Awaitable[object]]] = [
        lambda client: client.delete_working_memory(value),
        lambda client: client.get_long_term_memory(value),
    ]
    async with server.client() as client:
        for call in calls:
            with pytest.raises(MemoryValidationError):
                await call(client)
    assert server.requests == []


async def test_any_other_id_arrives_as_it_is() -> None:
    server = Server(SESSION)
    async with server.client() as client:
        await client.get_working_memory("a b?c#d%2Fé")
    assert server.requests[0].url.raw_path.startswith(b"/v1/working-memory/a%20b%3Fc%23d%252F%C3%A9")


async def test_the_path_in_front_of_the_api_is_kept() -> None:
    server = Server(ok(now=1))
    config = MemoryClientConfig(base_url="http://memory.test/team/a/")
    async with MemoryAPIClient(config, transport=httpx2.MockTransport(server)) as client:
        await client.health_check()
    assert server.requests[0].url.path == "/team/a/v1/health"


async def test_defaults_apply_where_a_call_does_not_say() -> None:
    server = Server(SESSION)
    defaults = {"default_namespace": "n", "default_model_name": "gpt-5", "default_context_window_max": 100}
    async with server.client(**defaults) as client:
        await client.get_working_memory("s", user_id="u")
        await client.get_working_memory("s", namespace="m", model_name="o1", context_window_max=7)
    assert dict(server.requests[0].url.params) == {
        "namespace": "n",
        "user_id": "u",
        "model_name": "gpt-5",
        "context_window_max": "100",
    }
    assert dict(server.requests[1].url.params) == {"namespace": "m", "model_name": "o1", "context_window_max": "7"}


async def test_a_session_is_put_with_its_nulls_inside_data_and_without_its_own() -> None:
    server = Server(SESSION)
    memory = WorkingMemory(
        session_id="s", messages=[MemoryMessage(role="user", content="hi", id="m")], data={"a": None, "b": [None]}
    )
    async with server.client(default_namespace="n") as client:
        await client.put_working_memory("s", memory, user_id="u")
    assert memory.namespace == "n"
    assert (server.body["data"], server.body["namespace"], server.body["user_id"]) == (
        {"a": None, "b": [None]},
        "n",
        "u",
    )
    assert "context" not in server.body
    assert server.body["messages"][0]["created_at"].endswith("Z")


async def test_a_request_that_breaks_the_format_is_not_sent() -> None:
    server = Server(ACK)
    async with server.client() as client:
        with pytest.raises(MemoryValidationError, match="data holds inf"):
            await client.put_working_memory("s", WorkingMemory(session_id="s", data={"x": float("inf")}))
        with pytest.raises(MemoryValidationError, match="limit"):
            await client.search_long_term_memory("tea", limit=0)
        with pytest.raises(MemoryValidationError, match=r"topics\.anyof"):
            await client.search_long_term_memory("tea", topics={"anyof": ["x"]})
        with pytest.raises(MemoryValidationError, match=r"topics\[0\] contains a comma"):
            await client.create_long_term_memory([ClientMemoryRecord.model_construct(id="1", text="x", topics=["a,b"])])
        with pytest.raises(MemoryValidationError, match="'role' and 'content'"):
            await client.append_messages("s", [{"role": "user"}])
        with pytest.raises(MemoryValidationError, match="not a str"):
            await client.append_messages("s", ["hello"])  # type: ignore[list-item]
    assert server.requests == []


async def test_a_write_may_depend_on_the_revision_that_was_read() -> None:
    server = Server(SESSION, ok(id="1", text="x"), failed(409, detail="at revision 4", code="conflict"))
    async with server.client() as client:
        await client.put_working_memory("s", WorkingMemory(session_id="s"), if_revision=3)
        await client.edit_long_term_memory("1", {"pinned": True}, if_revision=3)
        with pytest.raises(MemoryConflictError):
            await client.put_working_memory("s", WorkingMemory(session_id="s"))
    assert [request.headers.get("If-Match") for request in server.requests] == ['"3"', '"3"', None]


async def test_get_or_create_makes_a_session_only_where_none_is() -> None:
    server = Server(SESSION)
    async with server.client() as client:
        assert (await client.get_or_create_working_memory("s"))[0] is False
    server = Server(failed(404, detail="no"), SESSION)
    async with server.client() as client:
        assert (await client.get_or_create_working_memory("s", user_id="u"))[0] is True
    assert (server.requests[1].method, server.requests[1].headers["If-None-Match"]) == ("PUT", "*")
    assert (server.body["messages"], server.body["user_id"]) == ([], "u")
    server = Server(failed(404, detail="no"), failed(409, detail="made meanwhile"), SESSION)
    async with server.client() as client:
        assert (await client.get_or_create_working_memory("s"))[0] is False


async def test_appended_messages_keep_their_ids_and_times() -> None:
    server = Server(ok(session_id="s", revision=2, message_count=9))
    given = {"role": "user", "content": "hi", "id": "m", "created_at": "2026-01-31T12:00:00Z", "persisted_at": None}
    async with server.client(default_namespace="n") as client:
        answer = await client.append_messages("s", [given, MemoryMessage(role="tool", content="x")], ttl_seconds=60)
    assert (answer.revision, answer.message_count) == (2, 9)
    assert server.requests[0].url.path == "/v1/working-memory/s/messages"
    assert server.body["messages"][0] | {"discrete_memory_extracted": "f"} == server.body["messages"][0]
    assert (server.body["messages"][0]["id"], server.body["messages"][0]["created_at"]) == ("m", "2026-01-31T12:00:00Z")
    assert (server.body["namespace"], server.body["ttl_seconds"]) == ("n", 60)
    server = Server(ok(session_id="s", revision=2, message_count=9), SESSION)
    async with server.client() as client:
        assert (await client.append_messages_to_working_memory("s", [given])).session_id == "s"
    assert [request.method for request in server.requests] == ["POST", "GET"]
    server = Server(ok(session_id="s", revision=2, message_count=9), SESSION)
    async with server.client(default_context_window_max=900) as client:
        await client.append_messages_to_working_memory("s", [given], model_name="m")
    assert dict(server.requests[0].url.params) == {"model_name": "m", "context_window_max": "900"}


async def test_created_records_get_the_default_namespace_and_missing_ids() -> None:
    record = ClientMemoryRecord(text="likes tea", metadata={"source": None})
    record.id = ""
    server = Server(ok(status="ok", items=[{"id": "1", "status": "created", "embedded": True}]))
    async with server.client(default_namespace="n") as client:
        answer = await client.create_long_term_memory([record], deduplicate=False)
    assert answer.items is not None
    assert answer.items[0].status == "created"
    [sent] = server.body["memories"]
    assert (sent["id"], sent["namespace"], sent["metadata"]) == (record.id, "n", {"source": None})
    assert len(record.id) == 26
    assert server.body["deduplicate"] is False


async def test_a_search_sends_only_what_was_asked() -> None:
    server = Server(RESULTS)
    async with server.client() as client:
        await client.search_long_term_memory("tea")
    assert server.body == {"text": "tea", "search_mode": "semantic", "limit": 10, "offset": 0}
    async with server.client(default_namespace="n") as client:
        await client.search_long_term_memory(
            "tea",
            search_mode="hybrid",
            hybrid_alpha=0.3,
            user_id="u",
            topics=Topics(any=["a"]),
            entities={"none": ["b"]},
            created_at=CreatedAt.model_validate({"gte": 0, "lte": 1}),
            recency=RecencyConfig(recency_boost=False, half_life_created_days=3.0),
            optimize_query=True,
            explain=True,
            include_superseded=True,
            as_of="2026-01-31T12:00:00Z",
        )
    assert server.body["namespace"] == {"eq": "n"}
    assert (server.body["user_id"], server.body["topics"]) == ({"eq": "u"}, {"any": ["a"]})
    assert server.body["entities"] == {"none": ["b"]}
    assert server.body["created_at"]["gte"] == "1970-01-01T00:00:00Z"
    assert (server.body["recency_boost"], server.body["recency_half_life_created_days"]) == (False, 3.0)
    assert (server.body["explain"], server.body["include_superseded"]) == (True, True)
    assert server.body["as_of"] == "2026-01-31T12:00:00Z"
    assert dict(server.requests[-1].url.params) == {"optimize_query": "true"}


async def test_the_other_calls_on_records_go_where_they_belong() -> None:
    record = ok(id="1", text="x")
    server = Server(record, record, ACK, ok(memories=[], total=0, next_cursor="c"), ACK)
    async with server.client() as client:
        assert (await client.get_long_term_memory("1")).text == "x"
        await client.edit_long_term_memory("1", {"topics": [], "pinned": True})
        await client.delete_long_term_memories(["1", "2"])
        page = await client.list_long_term_memories(user_id="u", memory_type="semantic", cursor="b")
        await client.compact_long_term_memories("n")
    assert page.next_cursor == "c"
    asked = [(request.method, request.url.raw_path.decode()) for request in server.requests]
    assert asked == [
        ("GET", "/v1/long-term-memory/1"),
        ("PATCH", "/v1/long-term-memory/1"),
        ("DELETE", "/v1/long-term-memory?memory_ids=1&memory_ids=2"),
        ("GET", "/v1/long-term-memory?user_id=u&memory_type=semantic&limit=100&cursor=b"),
        ("POST", "/v1/long-term-memory/compact?namespace=n"),
    ]
    assert json.loads(server.requests[1].content) == {"topics": [], "pinned": True}


async def test_forgetting_always_says_whether_it_is_a_dry_run() -> None:
    server = Server(ok(scanned=2, deleted=1, deleted_ids=["1"], dry_run=True))
    async with server.client() as client:
        answer = await client.forget_long_term_memories(ForgetPolicy(max_age_days=30), user_id="u", dry_run=True)
        await client.forget_long_term_memories(ForgetPolicy(max_age_days=30), pinned_ids=["7"])
    assert answer.deleted_ids == ["1"]
    assert [request.url.params["dry_run"] for request in server.requests] == ["true", "false"]
    assert server.body["pinned_ids"] == ["7"]
    assert server.body["policy"]["max_age_days"] == 30


async def test_a_prompt_takes_the_namespace_for_session_and_search_and_leaves_the_caller_s_dictionary_alone() -> None:
    content = {"type": "text", "text": "hello", "annotations": None, "_meta": None}
    server = Server(ok(messages=[{"role": "user", "content": content}], long_term_memories=None))
    search: dict[str, Any] = {"limit": 3}
    async with server.client(default_namespace="n") as client:
        prompt = await client.memory_prompt("hello", session_id="s", long_term_search=search)
    assert search == {"limit": 3}
    assert prompt["messages"][0]["content"] == content
    assert server.body == {
        "query": "hello",
        "session": {"session_id": "s", "namespace": "n"},
        "long_term_search": {"limit": 3, "namespace": {"eq": "n"}},
    }


def test_every_public_name_exists_and_the_versions_agree() -> None:
    assert all(hasattr(agent_memory_client, name) for name in agent_memory_client.__all__)
    project = Path(__file__).parents[2] / "clients" / "python" / "pyproject.toml"
    found = re.search(r'^version = "(.+)"$', project.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == agent_memory_client.__version__

"""A scripted chat service on 127.0.0.1, in OpenAI's wire format and in Anthropic's: real HTTP, answers of your choice.

Use it where a test needs a model:

    with chat_service() as service:                       # also as a fixture
        service.answer({"memories": [...]}, when="extract")  # every question that holds "extract" (any letter case)
        service.answer(lambda asked: {"text": asked.text})   # every other question; a text, or JSON of the form wanted
        service.fail(500, times=2)                        # the next two requests fail; then the rules count again
        service.script += [truncated(), said("no JSON"), said("")]   # one entry for each further request
        service.outage = failed(429, {"Retry-After": "1"})           # every request, until it is None again
        service.hold.clear(); ...; service.hold.set()     # requests wait meanwhile: time-outs

    service.url          # OPENAI_API_BASE, or ANTHROPIC_API_BASE without its "/v1"
    service.asked        # every request: model, system, text, schema, body; service.prompt_tokens: their sum
    model_of(service)    # a ChatModel that asks it, as the server would, without pauses between attempts

It runs in a thread of the test and is reached over HTTP by anything, a server process as well. Without a rule it
answers the smallest value that satisfies the schema, or "An answer.". Tokens are characters / 4.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.openai_chat import OpenAIChat
from agent_memory_server.adapters.providers.chat.wrappers.retrying import Retrying
from agent_memory_server.adapters.providers.wrappers.patience import Patience

LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. text: all turns, one after the other; schema: the form of answer that was asked for, if one was."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    system: str
    text: str
    schema: dict[str, Any] | None

    @property
    def prompt_tokens(self) -> int:
        return max(1, (len(self.system) + len(self.text)) // 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """text: what the model says. status and body: instead of that, an HTTP answer as it is."""

    text: str = ""
    truncated: bool = False
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Given = str | dict[str, Any] | list[Any] | Answer
Rule = Callable[[Asked], Given]


def failed(status: int, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
    """A refusal."""
    return Answer(status=status, body=body or {"error": {"code": "broken"}}, headers=headers or {})


def truncated(text: str = '{"memories": [{"text": "half a') -> Answer:
    """An answer that ended at its limit."""
    return Answer(text=text, truncated=True)


def said(text: str) -> Answer:
    """These characters, whatever was asked for."""
    return Answer(text=text)


@dataclass
class ChatService:
    """See the module."""

    url: str
    script: list[Given | Rule] = field(default_factory=list)
    rules: list[tuple[str, Given | Rule]] = field(default_factory=list)
    outage: Answer | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)
    counts_tokens: bool = True

    @property
    def prompt_tokens(self) -> int:
        return sum(one.prompt_tokens for one in self.asked)

    def answer(self, given: Given | Rule, *, when: str = "") -> None:
        """A rule for questions whose instructions or text hold these words; of several that fit the latest counts."""
        self.rules.append((when.lower(), given))

    def fail(self, status: int, times: int = 1, headers: Mapping[str, str] | None = None, body: Any = None) -> None:
        """Answer the next requests with an error."""
        self.script += [failed(status, headers, body)] * times

    def reply(self, asked: Asked) -> Answer:
        """What this request is answered."""
        given: Given | Rule
        if self.outage is not None:
            given = self.outage
        elif self.script:
            given = self.script.pop(0)
        else:
            everything = f"{asked.system}\n{asked.text}".lower()
            fitting = (given for words, given in reversed(self.rules) if words in everything)
            given = next(fitting, smallest(asked.schema) if asked.schema is not None else "An answer.")
        if callable(given):
            given = given(asked)
        if isinstance(given, Answer):
            return given
        return Answer(text=given if isinstance(given, str) else json.dumps(given))


def smallest(schema: Mapping[str, Any]) -> Any:
    """The smallest value that satisfies a schema."""
    kind = schema.get("type", "object")
    if "enum" in schema:
        return schema["enum"][0]
    if isinstance(kind, list):
        return None if "null" in kind else smallest({**schema, "type": kind[0]})
    if kind == "object":
        return {name: smallest(schema["properties"][name]) for name in schema.get("required", ())}
    return {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False, "null": None}[kind]


def model_of(service: ChatService, **settings: Any) -> ServiceChatModel:
    """A ChatModel that asks this service. settings: of ServiceChatModel."""
    client = OpenAIChat(service.url, "some-model", timeout_s=LONGEST_S, connect_timeout_s=LONGEST_S)
    patient = Retrying(client, Patience(attempts=2, backoff_s=0.001, timeout_s=LONGEST_S))
    chosen: dict[str, Any] = {"model": "some-model", "context_tokens": 16_000, "timeout_s": LONGEST_S} | settings
    return ServiceChatModel(patient, **chosen)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def _read(path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Asked:
    messages = body.get("messages", [])
    system = body.get("system") or "".join(m["content"] for m in messages if m["role"] == "system")
    text = "\n".join(_text(m["content"]) for m in messages if m["role"] != "system")
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if "tools" in body:  # Anthropic's form of a wanted answer; in OpenAI's format they are tools of the caller's own
        schema = body["tools"][0].get("input_schema")
    return Asked(path, body, {name.lower(): value for name, value in headers.items()}, system, text, schema)


def _openai(service: ChatService, asked: Asked, answer: Answer) -> Any:
    reason = "length" if answer.truncated else "stop"
    message = {"role": "assistant", "content": answer.text}
    body: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    if service.counts_tokens:
        body["usage"] = {"prompt_tokens": asked.prompt_tokens, "completion_tokens": max(1, len(answer.text) // 4)}
    return body


def _anthropic(service: ChatService, asked: Asked, answer: Answer) -> Any:
    content: dict[str, Any] = {"type": "text", "text": answer.text}
    if "tools" in asked.body and not answer.truncated:
        try:
            content = {"type": "tool_use", "id": "1", "name": "answer", "input": json.loads(answer.text)}
        except ValueError:
            content = {"type": "text", "text": answer.text}
    body: dict[str, Any] = {"content": [content], "stop_reason": "max_tokens" if answer.truncated else "end_turn"}
    if service.counts_tokens:
        body["usage"] = {"input_tokens": asked.prompt_tokens, "output_tokens": max(1, len(answer.text) // 4)}
    return body


_FORMATS = {"/v1/chat/completions": _openai, "/v1/messages": _anthropic}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def chat_service() -> Iterator[ChatService]:
    """A running service; what it holds back is let go at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked = _read(self.path, dict(self.headers.items()), body)
            service.asked.append(asked)
            service.hold.wait()
            answer = service.reply(asked) if self.path in _FORMATS else failed(404)
            shown = answer.body if answer.body is not None else _FORMATS[self.path](service, asked, answer)
            content = json.dumps(shown).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the client gave up waiting, as some tests make it
                self.close_connection = True

    server = _Server(("127.0.0.1", 0), Handler)
    service = ChatService(url=f"http://127.0.0.1:{server.server_port}/v1")
    service.hold.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()

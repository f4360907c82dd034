"""A real embedding service on 127.0.0.1 that can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

DIMENSIONS = 24

Answer = tuple[int, Any]
"""HTTP status and JSON body."""


@dataclass
class EmbeddingService:
    """`script` answers the next requests, one entry each; afterwards every request gets vectors.

    hold: while it is cleared, requests wait. seen: the bodies of all requests.
    """

    url: str
    script: list[Callable[[dict[str, Any]], Answer]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    seen: list[dict[str, Any]] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def asked(self) -> list[list[str]]:
        """The texts of each request."""
        return [body["input"] for body in self.seen]

    async def arrives(self, requests: int = 1) -> None:
        """Wait until that many more requests have come."""
        for _ in range(requests):
            assert await asyncio.to_thread(self.arrived.acquire, timeout=60)

    def fail(self, status: int, times: int = 1, body: Any = None) -> None:
        """Answer the next requests with an error."""
        self.script += [lambda _: (status, body if body is not None else {"error": {"code": "broken"}})] * times


def vectors_answer(body: dict[str, Any]) -> Answer:
    """What the service answers when nothing else is asked of it: vectors of any length, in reverse order."""
    dimensions = body.get("dimensions", DIMENSIONS)
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, dimensions)}
        for index, text in enumerate(body["input"])
    ]
    return 200, {"object": "list", "data": data[::-1], "model": body["model"]}


def _vector(text: str, dimensions: int) -> list[float]:
    values: list[float] = np.random.default_rng(zlib.crc32(text.encode())).normal(size=dimensions).tolist()
    return values


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the usual 5, many clients at once are turned away by the system


@contextmanager
def embedding_service() -> Iterator[EmbeddingService]:
    """A running service; what it holds back is let go at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            service.seen.append(body)
            service.seen_headers.append({name.lower(): value for name, value in self.headers.items()})
            service.arrived.release()
            service.hold.wait()
            if self.path != "/v1/embeddings":
                status, answer = 404, {"error": {"code": "no_such_route"}}
            else:
                status, answer = service.script.pop(0)(body) if service.script else vectors_answer(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in service.headers.items():
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
    service = EmbeddingService(url=f"http://127.0.0.1:{server.server_port}/v1")
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

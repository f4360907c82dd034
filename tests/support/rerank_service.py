"""A real rerank service on 127.0.0.1 that can be told to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]
"""HTTP status and JSON body."""


@dataclass
class RerankService:
    """`script` answers the next requests, one entry each; afterwards a text scores by how often it says "yes".

    hold: while it is cleared, requests wait. seen: the bodies of all requests, seen_headers: what came with them.
    """

    url: str
    script: list[Callable[[dict[str, Any]], Answer]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    seen: list[dict[str, Any]] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, body: Any, status: int = 200, times: int = 1) -> None:
        """Answer the next requests with this."""
        self.script += [lambda _: (status, body)] * times


def by_yes(body: dict[str, Any]) -> Answer:
    """What the service answers when nothing else is asked of it, best first, in the form that the request is in."""
    texts = body.get("documents") or body["texts"]
    name = "relevance_score" if "documents" in body else "score"
    found = [{"index": index, name: text.count("yes") - 1.5} for index, text in enumerate(texts)]
    found.sort(key=lambda item: -item[name])
    return 200, {"results": found} if "documents" in body else found


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def rerank_service() -> Iterator[RerankService]:
    """A running service; what it holds back is let go at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            service.seen.append(body)
            service.seen_headers.append({name.lower(): value for name, value in self.headers.items()})
            service.hold.wait()
            status, answer = service.script.pop(0)(body) if service.script else by_yes(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
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
    service = RerankService(url=f"http://127.0.0.1:{server.server_port}/rerank")
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

"""The first token of servers that start while Redis is away: nobody gets in before, and it is made once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import BOUND_S, Server, serving
from tests.support.redis_processes import PERSISTENT, Node, redis_processes

SAYS = "First token"


@dataclass
class Watched:
    """A server, and all that it has printed."""

    server: Server
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.server.process.stdout is not None
        self.lines += self.server.greeting
        for line in self.server.process.stdout:
            self.lines.append(line)

    def secrets(self) -> list[str]:
        """The first tokens that it printed."""
        return [line.split()[-1] for line in self.lines if line.startswith(SAYS)]

    def stop(self) -> None:
        """End it, and read what it printed to the end."""
        assert self.server.stop() == 0
        self._reader.join(BOUND_S)
        assert not self._reader.is_alive()


@pytest.fixture
def node() -> Iterator[Node]:
    with redis_processes() as processes:
        yield processes.start(*PERSISTENT)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def sessions(server: Server, token: str | None) -> int:
    with server.client(token) as http:
        return http.get("/v1/working-memory/").status_code


@pytest.fixture
def away(node: Node, tmp_path: Path) -> Iterator[tuple[Watched, ...]]:
    """Two servers, one of them of two processes, that started on a network address while Redis was away."""
    node.kill()
    env = {"REDIS_URL": node.url, "REDIS_RETRIES": "0", "USE_DOCKET": "false"}
    with ExitStack() as stack:
        servers = []
        for name, options in (("one", ()), ("two", ("--workers", "2"))):
            (tmp_path / name).mkdir()
            server = serving(tmp_path / name / "data", "--host", "0.0.0.0", *options, env=env)
            servers.append(Watched(stack.enter_context(server)))
        yield tuple(servers)


def test_nobody_gets_in_while_redis_is_away_and_then_one_token_is_made(node: Node, away: tuple[Watched, ...]) -> None:
    for each in away:
        until(lambda server=each.server: answers(server))  # type: ignore[misc]
        assert sessions(each.server, None) == 401
        assert sessions(each.server, "mem_guessed-while-nothing-can-be-looked-up") == 503
        with each.server.client() as http:
            assert http.get("/v1/health/ready").status_code == 503
    assert [each.secrets() for each in away] == [[], []]
    node.start_again()
    until(lambda: any(each.secrets() for each in away))
    (secret,) = [secret for each in away for secret in each.secrets()]
    for each in away:
        until(lambda server=each.server: sessions(server, secret) == 200)  # type: ignore[misc]
        assert sessions(each.server, None) == 401
    for each in away:
        each.stop()
    assert [secret for each in away for secret in each.secrets()] == [secret]
    assert node.client.hlen("agent-memory:tokens") == 1


def answers(server: Server) -> bool:
    with server.client() as http:
        try:
            return http.get("/v1/health").status_code == 200
        except httpx2.TransportError:  # a child that does not listen yet
            return False


def test_a_server_that_ends_before_redis_is_back_has_made_no_token(node: Node, away: tuple[Watched, ...]) -> None:
    for each in away:
        each.stop()
    node.start_again()
    assert node.client.exists("agent-memory:tokens") == 0


def test_an_mcp_server_waits_for_redis_too(node: Node, tmp_path: Path) -> None:
    node.kill()
    env = {"REDIS_URL": node.url, "REDIS_RETRIES": "0"}
    with serving(tmp_path / "data", "--host", "0.0.0.0", "--mode", "streamable-http", env=env, door="mcp") as server:
        watched = Watched(server)
        with server.client() as http:
            assert http.post("/mcp", json={}).status_code == 401
        node.start_again()
        until(lambda: bool(watched.secrets()))
        watched.stop()

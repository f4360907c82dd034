"""Redis processes of a test: started on free ports of 127.0.0.1, ended with the test, also when that is killed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import redis

from tests.support.redis_server import BOUND_S, OBTAIN_S, ROOT, free_port

_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


@cache
def program(*, plain: bool = False) -> str:
    """The command that starts a Redis, with the Query Engine unless it is to be a plain one."""
    words = [str(ROOT / "scripts" / "redis-stack.sh"), *(["--plain"] if plain else [])]
    made = subprocess.run(words, capture_output=True, text=True, timeout=OBTAIN_S, check=False)
    if made.returncode:
        raise AssertionError(f"no Redis for the tests:\n{made.stderr}")
    return made.stdout.strip()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition. A server that does not answer yet is one that does not hold."""
    end = time.monotonic() + BOUND_S
    while True:
        try:
            if holds():
                return
        except redis.exceptions.RedisError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"still not so: {what}")
        time.sleep(0.02)


@dataclass
class Node:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    client: redis.Redis = field(repr=False)
    command: list[str] = field(repr=False)

    @property
    def name(self) -> str:
        """As a cluster names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Of a client."""
        return f"redis://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start it on its port and in its folder, after it ended; what it kept there is loaded."""
        self.process = subprocess.Popen(self.command)
        until(lambda: bool(self.client.ping()), f"the server on port {self.port} answers again")


PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
"""Options of a server that keeps what it acknowledged."""


class Processes:
    """Starts them; ends what still runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.nodes: list[Node] = []

    def start(self, *options: str, plain: bool = False, file: str | None = None, password: str | None = None) -> Node:
        """A server with these options. file: text of its configuration file; password: what it asks for."""
        port = free_port()
        place = self._folder / str(port)
        place.mkdir()
        words = [*_WITH_US, program(plain=plain)]
        if file is not None:
            (place / "redis.conf").write_text(file)
            words.append(str(place / "redis.conf"))
        words += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(place), "--logfile", str(place / "log")]
        command = [*words, *options]
        process = subprocess.Popen(command)
        node = Node(port, process, redis.Redis(port=port, protocol=3, password=password), command)
        self.nodes.append(node)
        until(lambda: bool(node.client.ping()), f"the server on port {port} answers")
        return node

    def close(self) -> None:
        """End all."""
        for node in self.nodes:
            node.client.close()
            node.kill()


@contextmanager
def redis_processes() -> Iterator[Processes]:
    """Servers that end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        started = Processes(Path(folder))
        try:
            yield started
        finally:
            started.close()

"""A server of one's own for a measurement: started on a free port of 127.0.0.1, and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent_memory_server.domain.errors import StartRefused

START_LIMIT_S = 60.0
"""Loading the embedding model takes about a second; a slow, busy machine gets a minute."""

_STOP_LIMIT_S = 30.0
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A healthy server. start_s: seconds from the start of its process to the first 200 of /v1/health."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    start_s: float
    folder: Path


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not _healthy(port):
        if process.poll() is not None:
            raise StartRefused(f"the server ended with status {process.returncode} before it answered")
        if time.monotonic() > deadline:
            raise StartRefused(f"the server did not answer within {START_LIMIT_S:g} seconds")
        time.sleep(_POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def own_server(
    settings: Mapping[str, str], *, folder: Path | None = None, port: int | None = None, workers: int = 1
) -> Iterator[OwnServer]:
    """A running `agent-memory api` on the embedded engine, also where the shell has a Redis configured.

    settings: environment variables on top of the present ones. folder: None takes a temporary one, removed at the end.
    Raises: StartRefused, when the server ends or does not answer in time; its own message is on stderr.
    """
    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            # SIGTERM unwinds like Ctrl-C: otherwise it would end this process and leave the server running.
            stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-memory-")))
        number = port or free_port()
        environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        environment |= {"MEMORY_DATA_DIR": str(where), "LOG_LEVEL": "WARNING", **settings}
        command = [sys.executable, "-m", "agent_memory_server.cli.main", "api", "--port", str(number)]
        command += ["--workers", str(workers)] if workers > 1 else []
        started = time.perf_counter()
        # A session of its own: Ctrl-C reaches this process alone, which then stops the server in an orderly way.
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        stack.callback(_stop, process)
        _wait_until_healthy(process, number)
        start_s = time.perf_counter() - started
        yield OwnServer(f"http://127.0.0.1:{number}", number, process, start_s, where)

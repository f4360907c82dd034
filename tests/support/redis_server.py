"""A real Redis with the Query Engine for tests: one server for each test process, emptied before each test.

`TEST_REDIS_URL` names a running one instead, **which the tests empty**; then they must not run in parallel.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

ROOT = Path(__file__).parents[2]
OBTAIN_S = 300.0
BOUND_S = 60.0
_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""The server ends with this process, also when that is killed."""


def _program() -> str:
    made = subprocess.run(
        [str(ROOT / "scripts" / "redis-stack.sh")], capture_output=True, text=True, timeout=OBTAIN_S, check=False
    )
    if made.returncode:
        raise AssertionError(f"no Redis for the tests; set TEST_REDIS_URL to one that may be emptied:\n{made.stderr}")
    return made.stdout.strip()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + BOUND_S
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except redis.exceptions.ConnectionError as exc:
                if process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"Redis does not answer:\n{log.read_text()}") from exc
                time.sleep(0.02)
            else:
                return


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """A server on a free port of 127.0.0.1, without persistence unless `options` say otherwise; its URL."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        port = free_port()
        command = [
            *_WITH_US,
            _program(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            folder,
            "--logfile",
            str(log),
        ]
        process = subprocess.Popen([*command, "--save", "", *options])
        try:
            _await_answer(process, port, log)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()

"""A Redis of its own for a benchmark, started by `scripts/redis-stack.sh`."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

_SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "redis-stack.sh"
_BOUND_S = 60.0


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """A server that answers."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds used so far. Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def used_bytes(self) -> int:
        """Memory that its data takes."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.info("memory")["used_memory"])


@contextlib.contextmanager
def redis_server(*options: str) -> Iterator[RunningRedis]:
    """A server on a free port of 127.0.0.1, with an append-only file that is written every second."""
    made = subprocess.run([str(_SCRIPT)], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    program = made.stdout.strip()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--logfile", f"{folder}/log",
                   "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]  # fmt: skip
        process = subprocess.Popen([*command, *options])  # noqa: S603 - ours
        try:
            _await_answer(port)
            yield RunningRedis(f"redis://127.0.0.1:{port}", process.pid)
        finally:
            process.kill()
            process.wait()


def _await_answer(port: int) -> None:
    end = time.monotonic() + _BOUND_S
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except redis.exceptions.ConnectionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

"""Real processes: commands run to their end, and servers on free ports of 127.0.0.1."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.chosen_engine import ON_REDIS, redis_of

BOUND_S = 120.0
"""No command of these tests takes seconds; whatever takes this long on a slow machine hangs."""


def environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the shell that could be a setting; the deterministic embedder, so that no model is loaded."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    given = {"PYTHONPATH": os.pathsep.join(sys.path), "EMBEDDING_MODEL": "deterministic"}
    where = {"MEMORY_DATA_DIR": str(folder)}
    more = dict(extra or {})
    if ON_REDIS and "REDIS_URL" not in more:
        where["REDIS_URL"] = redis_of(folder)
    return kept | given | where | more


def command(*args: str) -> list[str]:
    """`agent-memory` with arguments, as this interpreter runs it."""
    return [sys.executable, "-W", "error::ResourceWarning", "-m", "agent_memory_server.cli", *args]


def run(
    folder: Path, *args: str, env: Mapping[str, str] | None = None, answer: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an empty working directory. answer: what is typed."""
    work = folder.parent / "working-directory"
    work.mkdir(exist_ok=True)
    return subprocess.run(
        command(*args),
        env=environment(folder, env),
        cwd=work,
        input=answer,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves or works. greeting: what it printed; errors: the file its stderr goes to."""

    url: str
    process: subprocess.Popen[str]
    greeting: list[str]
    errors: Path

    def client(self, token: str | None = None) -> httpx2.Client:
        """A client for it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=BOUND_S, trust_env=False)

    def kill(self) -> None:
        """End it at once, as a crash or a power switch would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, and wait; its exit status."""
        self.process.terminate()
        return self.process.wait(BOUND_S)


@contextmanager
def serving(folder: Path, *args: str, env: Mapping[str, str] | None = None, door: str = "api") -> Iterator[Server]:
    """A server on `folder` and a free port, which listens; ended at the end in whatever state it is.

    door: the command that serves, "api" or "mcp".

    Raises: AssertionError with what it wrote, when it ends instead of listening.
    """
    given = dict(env or {})
    if ON_REDIS and "REDIS_URL" not in given:  # where servers leave background work to others by themselves
        given = {"USE_DOCKET": "false", **given}
    errors = folder.parent / "server-errors.txt"
    with errors.open("w") as sink:
        process = subprocess.Popen(
            command(door, "--port", "0", *args),
            env=environment(folder, given),
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    assert process.stdout is not None
    watchdog = threading.Timer(BOUND_S, process.kill)
    watchdog.start()
    try:
        greeting = _read_greeting(process, errors)
        watchdog.cancel()
        url = next(line.split()[-1] for line in greeting if "http://" in line)
        yield Server(url.replace("0.0.0.0", "127.0.0.1"), process, greeting, errors)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def working(folder: Path, *args: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A task-worker on `folder` that works; ended at the end in whatever state it is. It has no address.

    Raises: AssertionError with what it wrote, when it ends instead.
    """
    folder.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", prefix="worker-errors-", dir=folder.parent, delete=False) as sink:
        process = subprocess.Popen(
            command("task-worker", *args),
            env=environment(folder, env),
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    errors = Path(sink.name)
    assert process.stdout is not None
    watchdog = threading.Timer(BOUND_S, process.kill)
    watchdog.start()
    try:
        greeting = _read_greeting(process, errors, last="  At once")
        watchdog.cancel()
        yield Server("", process, greeting, errors)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def _read_greeting(process: subprocess.Popen[str], errors: Path, last: str = "  Access") -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(last):
            return lines
    raise AssertionError(f"the server ended with status {process.wait()}:\n{errors.read_text()}")

"""Environments of their own for packages that do not share one with the server, made when they are first needed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.processes import BOUND_S

CLIENT = Path(__file__).parents[2] / "clients/python/src"
_INSTALL_LIMIT_S = 600.0


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{what}; continuous integration must not skip this")
    pytest.skip(what)


def python_with(requirements: Path) -> Path:
    """The interpreter of an environment that holds exactly these pinned packages; kept in the user's cache folder."""
    name = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-memory-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder, done = cache / f"{requirements.stem}-{name}", cache / f"{requirements.stem}-{name}.done"
    python = folder / "bin/python"
    with (cache / f"{requirements.stem}-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may want it at once
        if not done.exists():
            uv = [sys.executable, "-m", "uv", "--quiet"]
            _run([*uv, "venv", "--clear", "--python", sys.executable, str(folder)])
            _run([*uv, "pip", "install", "--require-hashes", "--python", str(python), "-r", str(requirements)])
            done.touch()
    return python


def _run(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=False)
    if done.returncode:
        _missing(f"the environment cannot be made: {done.stderr[-500:]}")


def run_in(python: Path, script: Path, url: str, *, own_client: bool) -> None:
    """Run a script to its end against a server. own_client: with the client of this repository; else with the one
    that the environment holds."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env |= {"MEMORY_URL": url, "PYTHONPATH": str(CLIENT) if own_client else "", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    line = [str(python), "-W", "error::ResourceWarning", str(script)]
    done = subprocess.run(
        line, cwd=script.parent, env=env, capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

"""Packages from npm: installed once, of exactly the locked versions, into a cache folder.

Without node or without its packages the tests are skipped on a developer's machine, and fail in continuous integration.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{what}; continuous integration must not skip this")
    pytest.skip(what)


def npm_packages(project: Path) -> Path:
    """The folder that holds `node_modules` for a project's `package-lock.json`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        _missing("node and npm are not installed")
    lock = (project / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-memory-tests"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(project / name, made)
        line = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(line, cwd=made, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            shutil.rmtree(made)
            _missing(f"npm cannot install the packages of {project.name}: {done.stderr[-500:]}")
        try:
            made.rename(folder)
        except OSError:  # another test process was first
            shutil.rmtree(made)
    return folder

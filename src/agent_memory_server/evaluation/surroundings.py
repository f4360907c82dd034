"""What a run was made with: versions, machine, and the settings that were given, for whoever repeats it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import httpx2

from agent_memory_server import __version__
from agent_memory_server.settings import load

_OF_THE_PLACE = frozenset({"MEMORY_DATA_DIR", "REDIS_URL"})
"""Settings that a measurement's own server does not take over."""


async def server_version(http: httpx2.AsyncClient) -> str | None:
    """The version that a server tells, None where it does not."""
    answer = await http.get("/openapi.json")
    if answer.is_error:
        return None
    version = answer.json().get("info", {}).get("version")
    return str(version) if version is not None else None


def machine() -> dict[str, Any]:
    """Versions and machine of the client's side."""
    return {
        "agent_memory": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def given_settings() -> dict[str, str | None]:
    """The settings that were given to this process, secrets hidden, as `agent-memory config show --given` has them.

    Raises: SettingsError.
    """
    return {
        variable.name: value
        for variable, value, origin in load().shown()
        if origin != "default" and variable.name not in _OF_THE_PLACE
    }


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

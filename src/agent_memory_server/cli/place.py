"""Where a server keeps its data, for people."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent_memory_server.settings import Settings


def data_place(settings: Settings) -> tuple[str, str]:
    """What kind of place it is, and which: without user and password."""
    if settings.redis.url is None:
        return "Data folder", str(settings.storage.data_dir)
    parts = urlsplit(settings.redis.url)
    return "Redis", f"{parts.netloc.rpartition('@')[2]}{parts.path}"

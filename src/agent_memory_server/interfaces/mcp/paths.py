"""Where MCP over HTTP is found: apart from the rest, so that a server knows its requests before the door is loaded."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

STREAMABLE = re.compile(r"(?:/(?P<namespace>[^/]+))?/mcp/?")
SSE = re.compile(r"(?P<place>/(?P<namespace>[^/]+))?/(?P<end>sse|messages)/?")


def raw_path(scope: MutableMapping[str, Any]) -> str:
    """The path of a request as it was sent: an escaped slash inside a namespace is not one that divides."""
    raw: bytes | None = scope.get("raw_path")
    path: str = raw.partition(b"?")[0].decode("latin-1") if raw else scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root else path


def is_streamable(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request is for the streamable endpoint: any namespace, with or without a slash at the end."""
    return scope["type"] == "http" and STREAMABLE.fullmatch(raw_path(scope)) is not None

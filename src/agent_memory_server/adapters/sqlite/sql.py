"""SQL lives in named queries beside the module that runs them: `queries/<file>.sql`, `-- name: <query>`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, str]:
    """The named queries of `queries/<file>.sql`, by name."""
    text = (resources.files(__package__) / "queries" / f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}

"""How commands print: answers to stdout, everything else to stderr."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the answer.",
)


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def isoformat(time: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC with Z."""
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def readable(size: int) -> str:
    """Bytes for people, in powers of 1024."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"

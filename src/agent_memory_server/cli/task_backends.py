"""`--task-backend`: which processes do the background work that a server causes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def option(default: str) -> Callable[[F], F]:
    """The option. default: what holds without it and without USE_DOCKET, for people."""
    return click.option(
        "--task-backend",
        type=click.Choice(["asyncio", "docket"]),
        help="asyncio: this process does its background work; docket: it queues it for `agent-memory task-worker`. "
        f"Default: by USE_DOCKET, else {default}.",
    )


def choose(chosen: str | None) -> None:
    """Take the option as the setting that it spells."""
    if chosen is not None:
        os.environ["USE_DOCKET"] = "true" if chosen == "docket" else "false"

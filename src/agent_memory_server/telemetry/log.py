"""The log: events with a stable name and fields, to stderr only (stdout belongs to answers and to stdio protocols).

Never logged: memory text, messages, prompts, tokens, vectors, query values.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from functools import cache
from typing import Any

import structlog
from structlog.typing import Processor

from agent_memory_server.telemetry.settings import LogFormat, LogSettings

STARTED = "server.started"
STOPPED = "server.stopped"
OPENED = "store.opened"
ENGINE_AWAITED = "engine.awaited"
ENGINE_READY = "engine.ready"
TAKEN_OVER = "engine.taken_over"
ENGINE_REFUSED = "engine.refused"
ENGINE_AT_RISK = "engine.at_risk"
SETTINGS_WITHOUT_EFFECT = "settings.without_effect"

_QUIET = ("httpx2", "httpcore2", "asyncio", "multipart", "watchfiles")
"""Libraries whose own chatter below WARNING says nothing about this server."""


@cache
def _encoder(default: Callable[[Any], Any]) -> json.JSONEncoder:
    return json.JSONEncoder(default=default)


def _line(event: Any, default: Callable[[Any], Any]) -> str:
    return _encoder(default).encode(event)  # `dumps` would make an encoder for each line


def _leave_out_what_no_line_shows() -> None:
    """Threads and processes: asking for them takes a system call for every line. See "Optimization" in Python's logging
    HOWTO."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(*, as_json: bool, colors: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_line)]
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]


def configure_log(settings: LogSettings) -> None:
    """Send our events and those of libraries to stderr in one form. Called once, by the command that runs."""
    terminal = sys.stderr.isatty()
    _leave_out_what_no_line_shows()
    as_json = settings.format is LogFormat.JSON or (settings.format is LogFormat.AUTO and not terminal)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(as_json=as_json, colors=terminal),
            ],
        )
    )
    logging.basicConfig(level=settings.level.value, handlers=[handler], force=True)
    level = logging.getLevelNamesMapping()[settings.level.value]
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    # The server's own lines say what it did; uvicorn's are kept for what goes wrong.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def frames_of(fault: BaseException) -> list[str]:
    """Where an unforeseen exception came from: its last frames as `file:line function`.

    The exception's own message is left out on purpose: it may quote a request.
    """
    frames = traceback.extract_tb(fault.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-8:]]

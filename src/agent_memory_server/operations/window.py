"""How much of a model's context window a session takes, and cutting it to fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.session import Message
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.counting import Counted, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a request said about its model. max_tokens wins over the model's size; 0 and "" count as not given."""

    model: str | None = None
    max_tokens: int | None = None

    @property
    def named(self) -> bool:
        """Whether the request asks for figures: it names a model or a window that is not 0."""
        return bool(self.model) or bool(self.max_tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """Percent, 0 … 100: of the whole window, and of the part after which a session is summarized.

    encoding: by which the tokens were counted; None: they were estimated.
    """

    total_used: float
    until_summarization: float
    encoding: str | None = None


def token_limit(app: Application, window: Window) -> int:
    """Tokens that fit: the window given, else the model's, else the configured fallback."""
    if window.max_tokens:
        return window.max_tokens
    size = app.context_sizes(window.model) if window.model else None
    return size if size is not None else app.options.context_window


def bound_of(app: Application, window: Window, *, otherwise: bool = True) -> Bound | None:
    """How long a session may grow that is written with this window; None: sessions are not folded.

    otherwise: whether a session that never named a window is folded into the configured one.
    """
    if not app.options.summarize:
        return None
    return Bound(
        window=token_limit(app, window) if window.named else None,
        otherwise=app.options.context_window if otherwise else 0,
        share=app.options.summarize_at,
    )


async def usage(app: Application, messages: Sequence[Message], window: Window) -> Usage | None:
    """The percentages for these messages; None when the request named no window, or one of no size."""
    if not window.named:
        return None
    return _usage(app, await count(app, messages, window.model), window)


def _usage(app: Application, counted: Counted, window: Window) -> Usage | None:
    if not counted.sizes:
        return Usage(0.0, 0.0)
    limit = token_limit(app, window)
    if limit <= 0:
        return None
    tokens = counted.total
    summarize_at = int(limit * app.options.summarize_at)
    until = 100.0 if summarize_at <= 0 else min(100.0, tokens / summarize_at * 100)
    return Usage(min(100.0, tokens / limit * 100), until, counted.encoding)


async def fitting(
    app: Application, messages: Sequence[Message], window: Window
) -> tuple[tuple[Message, ...], Usage | None]:
    """The newest messages that fit the named window, at least one, and how much of it they take; all of them when none
    was named."""
    if not window.named:
        return tuple(messages), None
    counted = await count(app, messages, window.model)
    kept = longest_end(counted.sizes, token_limit(app, window))
    return tuple(messages[len(messages) - kept :]), _usage(app, counted.last(kept), window)


def longest_end(sizes: Sequence[int], room: int) -> int:
    """How many of these, from the last one back, fit into the room; at least one of any."""
    kept = 0
    for size in reversed(sizes):
        room -= size
        if room < 0 and kept:
            break
        kept += 1
    return kept

"""Figures of a model's context window, and sessions cut to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.session import Message
from agent_memory_server.domain.tokens import message_tokens
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.window import Usage, Window, fitting, longest_end, token_limit, usage
from tests.operations.given import contents, put, read, turn
from tests.support.rest import application

SIZES = {"small": 100, "large": 100_000}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Application]:
    async with application(tmp_path, rules=Options(context_window=1000), context_sizes=SIZES.get) as opened:
        yield opened


def message(content: str) -> Message:
    return Message(id=content, role="user", content=content, created_at=0.0)


@pytest.mark.parametrize(
    ("window", "tokens"),
    [
        (Window(), 1000),
        (Window(model="small"), 100),
        (Window(model="unheard of"), 1000),
        (Window(max_tokens=7), 7),
        (Window(model="small", max_tokens=7), 7),
        (Window(model="small", max_tokens=0), 100),
        (Window(model=""), 1000),
    ],
)
async def test_the_window_is_the_one_given_else_the_models_else_the_configured(
    app: Application, window: Window, tokens: int
) -> None:
    assert token_limit(app, window) == tokens


@pytest.mark.parametrize("window", [Window(), Window(model=""), Window(max_tokens=0)])
async def test_without_a_model_or_window_there_are_no_figures_and_nothing_is_cut(
    app: Application, window: Window
) -> None:
    many = [message("word " * 1000)] * 3
    assert await usage(app, many, window) is None
    assert await fitting(app, many, window) == (tuple(many), None)


async def test_figures_are_percentages_of_the_window_and_of_its_part_before_a_summary(app: Application) -> None:
    messages = [message("word " * 20)] * 2
    tokens = sum(map(message_tokens, messages))
    figures = await usage(app, messages, Window(max_tokens=1000))
    assert figures is not None
    assert (figures.total_used, figures.until_summarization) == pytest.approx((tokens / 10, tokens / 7))
    assert await usage(app, messages, Window(max_tokens=1)) == Usage(100.0, 100.0)
    assert await usage(app, [], Window(model="small")) == Usage(0.0, 0.0)
    assert await usage(app, messages, Window(max_tokens=-5)) is None


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 300))
def test_what_fits_is_the_longest_end_of_the_conversation_and_never_nothing(sizes: list[int], room: int) -> None:
    kept = longest_end(sizes, room)
    assert kept
    assert sum(sizes[-kept:]) <= room or kept == 1
    if kept < len(sizes):
        assert sum(sizes[-kept - 1 :]) > room


async def test_what_does_not_fit_is_left_out_and_the_figures_are_of_what_is_kept(app: Application) -> None:
    many = tuple(message("word " * length) for length in (30, 20, 10))
    window = Window(max_tokens=message_tokens(many[1]) + message_tokens(many[2]))
    assert await fitting(app, many, window) == (many[1:], await usage(app, many[1:], window))
    assert await fitting(app, (), window) == ((), Usage(0.0, 0.0))


class Spaces:
    """Counts a token for each space."""

    def of(self, model: str) -> str | None:
        return "spaces" if model == "small" else None

    async def count(self, encoding: str, texts: Sequence[str]) -> list[int] | None:
        assert encoding == "spaces"
        return [text.count(" ") for text in texts] if texts[0] != "user: gone" else None


async def test_tokens_are_counted_by_the_models_encoding_where_there_is_one(app: Application) -> None:
    exact = replace(app, encodings=Spaces())
    many = (message("a b c"), message("d"))
    figures = await usage(exact, many, Window(model="small"))
    assert figures == Usage(4.0, 4 / 70 * 100, "spaces")
    assert await usage(exact, many, Window(model="large")) == await usage(app, many, Window(model="large"))
    # An encoding that cannot be loaded after all.
    gone = (message("gone"),)
    assert await usage(exact, gone, Window(model="small")) == await usage(app, gone, Window(model="small"))


async def test_reading_cuts_the_answer_and_leaves_the_session_whole(app: Application) -> None:
    stored = await put(app, *(turn(str(n), "word " * 50) for n in range(5)), window=Window(max_tokens=1000))
    assert stored.usage is not None
    cut = await read(app, window=Window(model="small"))
    assert (len(cut.session.messages), cut.session.message_count) == (1, 5)
    assert cut.usage is not None
    assert cut.usage.total_used <= 100
    assert len(contents(await read(app))) == 5

"""Dates are read where an expression has one plain meaning."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.dates import dates_in

WEDNESDAY = datetime(2023, 7, 12, 15, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "day", "granularity"),
    [
        ("I went yesterday", "2023-07-11", "day"),
        ("the day before yesterday", "2023-07-10", "day"),
        ("see you the day after tomorrow", "2023-07-14", "day"),
        ("Two days ago it rained", "2023-07-10", "day"),
        ("a couple of weeks ago", "2023-06-26", "week"),
        ("3 months ago", "2023-04-01", "month"),
        ("a year ago", "2022-01-01", "year"),
        ("in 2 weeks", "2023-07-24", "week"),
        ("last Friday", "2023-07-07", "day"),
        ("last Wednesday", "2023-07-05", "day"),
        ("next Wednesday", "2023-07-19", "day"),
        ("this Friday", "2023-07-14", "day"),
        ("last weekend", "2023-07-08", "day"),
        ("next month", "2023-08-01", "month"),
        ("last year", "2022-01-01", "year"),
        ("on 2024-02-29", "2024-02-29", "day"),
        ("on March 15, 2024", "2024-03-15", "day"),
        ("the 3rd of May 2021", "2021-05-03", "day"),
        ("May 7th", "2023-05-07", "day"),
        ("Dec 30", "2023-12-30", "day"),
        ("in May 2020", "2020-05-01", "month"),
        ("since 2019", "2019-01-01", "year"),
    ],
)
def test_an_expression_is_resolved_against_the_time_it_was_said(text: str, day: str, granularity: str) -> None:
    (when,) = dates_in(text, said_at=WEDNESDAY)
    assert (when.day.isoformat(), when.granularity) == (day, granularity)
    assert when.expression in text


@pytest.mark.parametrize(
    "text",
    ["on Monday", "soon", "a few days ago", "You may march and we sat", "February 30", "2023-13-01", "9999 years ago"],
)
def test_what_has_no_single_meaning_is_no_date(text: str) -> None:
    assert dates_in(text, said_at=WEDNESDAY) == []


def test_several_dates_come_in_the_order_of_the_text() -> None:
    found = dates_in("Tomorrow, not yesterday, and on 2020-01-02.", said_at=WEDNESDAY)
    assert [when.expression for when in found] == ["Tomorrow", "yesterday", "2020-01-02"]


@given(st.text(max_size=80), st.floats(0, 4e9))
def test_no_text_fails(text: str, said_at: float) -> None:
    dates_in(text + " 999 years ago last may 31 in 999 years İ yesterday", said_at=said_at)

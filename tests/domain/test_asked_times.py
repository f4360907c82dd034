"""The times that a query names."""

from __future__ import annotations

from datetime import UTC, datetime

import dateparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory_server.domain.asked_times import asked_periods

NOON = datetime(2026, 5, 14, 12, tzinfo=UTC)
"""A Thursday."""


def times(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Between the beginnings of two years."""
    bounds = [datetime(year, 1, 1) for year in (first, last)]  # noqa: DTZ001 - the strategy takes these alone
    return st.datetimes(min_value=bounds[0], max_value=bounds[1])


def asked(text: str, now: datetime = NOON) -> list[tuple[str, str]]:
    """First days, and the days behind the last."""
    periods = asked_periods(text, said_at=now.timestamp())
    return [(day_of(period.start), day_of(period.end)) for period in periods]


def day_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("What did Ana say yesterday?", "2026-05-13", "2026-05-14"),
        ("two weeks ago", "2026-04-27", "2026-05-04"),
        ("in 2023", "2023-01-01", "2024-01-01"),
        ("on 3 June, 2023", "2023-06-03", "2023-06-04"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("last weekend", "2026-05-09", "2026-05-11"),
        ("the weekend before last", "2026-05-02", "2026-05-04"),
        ("last May", "2025-05-01", "2025-06-01"),
        ("last april", "2026-04-01", "2026-05-01"),
        ("this May", "2026-05-01", "2026-06-01"),
        ("in May", "2026-05-01", "2026-06-01"),
        ("in may", "2026-05-01", "2026-06-01"),
        ("in December", "2025-12-01", "2026-01-01"),
        ("during early sept", "2025-09-01", "2025-10-01"),
        ("next june", "2026-06-01", "2026-07-01"),
        ("next May", "2027-05-01", "2027-06-01"),
        ("since March", "2026-03-01", "2026-05-15"),
        ("last summer", "2025-06-01", "2025-09-01"),
        ("in the fall", "2025-09-01", "2025-12-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("on Monday", "2026-05-11", "2026-05-12"),
        ("on Thursday", "2026-05-14", "2026-05-15"),
        ("on friday", "2026-05-08", "2026-05-09"),
        ("the past week", "2026-05-07", "2026-05-15"),
        ("in the last 3 days", "2026-05-11", "2026-05-15"),
        ("a few days ago", "2026-05-08", "2026-05-13"),
        ("since yesterday", "2026-05-13", "2026-05-14"),
        ("since 2025", "2025-01-01", "2026-05-14"),
    ],
)
def test_a_query_looks_back_from_now(text: str, start: str, end: str) -> None:
    assert asked(text) == [(start, end)]


def test_several_times_are_several_periods() -> None:
    assert asked("between last March and yesterday, not in 2020") == [
        ("2026-05-13", "2026-05-14"), ("2020-01-01", "2021-01-01"), ("2026-03-01", "2026-04-01"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "What may I eat?", "at last may I", "this may be it", "march of the penguins", "Who is May?",
        "August Strindberg", "the second one", "sun and moon", "mon ami", "3/4 of it", "version 2023.1",
        "one day", "weekend plans",
        "who is in marching band", "summer dresses", "I fall in love", "",
    ],
)  # fmt: skip
def test_words_that_only_look_like_times_name_none(text: str) -> None:
    assert asked(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "today", "3 days ago", "one week ago", "two weeks ago", "5 months ago", "2 years ago",
        "May 3, 2023", "3 June 2023", "2023-06-03", "July 2021", "last month", "last year", "last week",
    ],
)  # fmt: skip
@given(now=times(2000, 2050))
@settings(deadline=None, max_examples=20)
def test_what_a_general_parser_reads_lies_in_the_period(text: str, now: datetime) -> None:
    parsed = dateparser.parse(text, languages=["en"], settings={"RELATIVE_BASE": now})
    assert parsed is not None
    (period,) = asked_periods(text, said_at=now.replace(tzinfo=UTC).timestamp())
    assert period.start <= parsed.replace(tzinfo=UTC).timestamp() < period.end


@given(text=st.text(max_size=80), now=times(1971, 9000))
def test_any_text_can_be_read_at_any_time(text: str, now: datetime) -> None:
    for period in asked_periods(text, said_at=now.replace(tzinfo=UTC).timestamp()):
        assert period.start < period.end


words = "last this next in may May march summer on friday since past few 3 weeks ago 2023 before year the".split()


@given(text=st.lists(st.sampled_from(words), max_size=8).map(" ".join))
def test_any_order_of_time_words_gives_periods(text: str) -> None:
    for period in asked_periods(text, said_at=NOON.timestamp()):
        assert period.start < period.end

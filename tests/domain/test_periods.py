"""Records of a time."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from agent_memory_server.domain.dates import dates_in
from agent_memory_server.domain.periods import IN_PERIOD, TOLD_AFTER_S, closeness, date_factors
from agent_memory_server.domain.query import Period

NEVER = math.nan
MAY = Period(datetime(2026, 5, 1, tzinfo=UTC).timestamp(), datetime(2026, 6, 1, tzinfo=UTC).timestamp())


def of(created: float, event: float = NEVER, *, periods: tuple[Period, ...] = (MAY,)) -> float:
    return float(closeness(periods, np.array([created]), np.array([event]))[0])


def test_a_record_of_the_time_counts_wholly_and_a_later_one_less_and_less() -> None:
    assert of(MAY.start) == of(MAY.end - 1) == 1.0
    assert of(MAY.start - 1) == 0.0
    assert of(MAY.end + TOLD_AFTER_S / 4) == pytest.approx(0.75)
    assert of(MAY.end + TOLD_AFTER_S) == of(MAY.end + 10 * TOLD_AFTER_S) == 0.0


def test_an_event_counts_by_its_own_date_whenever_it_was_told() -> None:
    years_later = MAY.end + 1e8
    assert of(years_later, MAY.start) == of(0.0, MAY.end - 1) == 1.0
    assert of(years_later, MAY.end) == of(years_later, MAY.start - 1) == 0.0


def test_of_several_times_the_nearest_counts() -> None:
    other = Period(0.0, 10.0)
    assert of(5.0, periods=(MAY, other)) == of(MAY.start, periods=(other, MAY)) == 1.0


def test_the_factor_grows_from_one() -> None:
    factors = date_factors([MAY], np.array([MAY.start, 0.0]), np.array([NEVER, NEVER]))
    assert factors.tolist() == [1.0 + IN_PERIOD, 1.0]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("yesterday", "2026-05-13", "2026-05-14"),
        ("last week", "2026-05-04", "2026-05-11"),
        ("in March 2024", "2024-03-01", "2024-04-01"),
        ("December 2023", "2023-12-01", "2024-01-01"),
        ("in 2023", "2023-01-01", "2024-01-01"),
        ("two months ago", "2026-03-01", "2026-04-01"),
    ],
)
def test_a_named_time_ends_where_the_next_one_begins(text: str, start: str, end: str) -> None:
    (when,) = dates_in(text, said_at=datetime(2026, 5, 14, 12, tzinfo=UTC).timestamp())
    bounds = [datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in (when.start, when.end)]
    assert bounds == [start, end]

"""A date of an event comes from what was said, or is left out."""

from __future__ import annotations

import pytest

from agent_memory_server.domain.event_dates import parsed_date, supported_date

SAID_AT = parsed_date("2023-05-10T18:00")
assert SAID_AT is not None


def day(text: str | None) -> float | None:
    return None if text is None else parsed_date(text)


@pytest.mark.parametrize(
    ("quote", "claimed", "expected"),
    [
        ("I flew to Rome yesterday", "2023-05-09", "2023-05-09"),
        ("I flew to Rome yesterday", "2023-05-09T21:30", "2023-05-09T21:30"),
        ("I flew to Rome yesterday", "2021-01-01", "2023-05-09"),
        ("I flew to Rome on May 2nd and back on May 7th", "2023-05-07", "2023-05-07"),
        ("I flew to Rome on May 2nd and back on May 7th", "2022-05-07", None),
        ("I was there last month", "2023-04-17", "2023-04-17"),
        ("I was there last month", "2023-02-17", "2023-04-01"),
        ("We meet next Friday", "2023-05-19", "2023-05-19"),
        ("We meet on Monday", "2023-05-15", "2023-05-15"),
        ("I prefer green tea", "2023-05-10", None),
        ("I have a sister in Rome", "1999-01-01", None),
        ("Ich war gestern in Rom", "2023-05-09", "2023-05-09"),
        ("我昨天去了罗马", "2023-05-09", "2023-05-09"),
    ],
)
def test_a_claimed_date_stays_is_put_right_or_goes(quote: str, claimed: str, expected: str | None) -> None:
    told = day(claimed)
    assert told is not None
    assert SAID_AT is not None
    assert supported_date(told, quote=quote, message=(quote, SAID_AT)) == day(expected)


def test_the_rest_of_the_message_and_the_turns_around_it_may_tell_the_date() -> None:
    told = day("2023-05-09")
    assert told is not None
    assert SAID_AT is not None
    quote = "I bought a house"
    assert supported_date(told, quote=quote, message=(f"Yesterday was good. {quote}", SAID_AT)) == told
    around = [("What did you do the day before yesterday?", SAID_AT + 86_400)]
    assert supported_date(told, quote=quote, message=(quote, SAID_AT), others=around) == told
    assert supported_date(told, quote=quote, message=(quote, SAID_AT), others=[("And then?", SAID_AT)]) is None


@pytest.mark.parametrize("text", ["", "soon", "2023-02-30", "9999999-01-01"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parsed_date(text) is None

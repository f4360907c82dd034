"""The times that a query names, as periods. English; in UTC.

A query looks back: "in May" is the latest May that has begun, "on Monday" the latest Monday. What a message means by
the same words may lie ahead, so these readings are for queries alone; what has one plain reading is read by
`domain.dates`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from agent_memory_server.domain.dates import When, dates_in
from agent_memory_server.domain.query import Period

_DAY_S = 86_400.0
_FEW = (2, 6)
"""What "a few" may be, in units."""
_NUMBERS = {
    word: n for n, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
}
_WORDS = {"few": _FEW[1], "couple of": 2}
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month, as in the north; three months each."""

_NUMBER = rf"(?P<number>\d{{1,3}}|few|couple of|{'|'.join(_NUMBERS)})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_WHICH = r"(?P<which>last|this|next|in|during|since|back in)"
_MONTH = f"(?P<name>{'|'.join(_MONTHS)}|sept|{'|'.join(month[:3] for month in _MONTHS)})"
"""Longer names first: the first one that fits is taken."""

_Read = Callable[[re.Match[str], date], tuple[date, date] | None]
"""The first day of the period, and the one behind its last; None where the words name no time after all."""


def _months_on(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _of_calendar(which: str, first: int, months: int, today: date) -> tuple[date, date]:
    """A month or season: "last" is the latest one that is over, "next" the first one ahead, any other the latest that
    has begun ("this" counts within the year, whatever has begun)."""
    start = date(today.year, first, 1)
    if which != "this":
        while start > today or (which == "last" and _months_on(start, months) > today):
            start = _months_on(start, -12)
    if which == "next":
        start = date(today.year if first > today.month else today.year + 1, first, 1)
    end = today + timedelta(days=1) if which == "since" else _months_on(start, months)
    return start, end


def _month(found: re.Match[str], today: date) -> tuple[date, date] | None:
    # "last may" and "this may" are verbs more often than months; with a capital they are months (`_MAY`).
    if found["name"] == "may" and found["which"] in ("last", "this", "next"):
        return None
    first = next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(found["name"][:3]))
    return _of_calendar(found["which"], first, 1, today)


def _season(found: re.Match[str], today: date) -> tuple[date, date]:
    return _of_calendar(found["which"], _SEASONS[found["name"]], 3, today)


def _count(words: str) -> int:
    return int(words) if words.isdigit() else _NUMBERS.get(words) or _WORDS[words]


def _until_now(found: re.Match[str], today: date) -> tuple[date, date]:
    days = _count(found["number"] or "1") * _DAYS[found["unit"]]
    return today - timedelta(days=days), today + timedelta(days=1)


def _few_ago(found: re.Match[str], today: date) -> tuple[date, date]:
    unit = _DAYS[found["unit"]]
    return today - timedelta(days=_FEW[1] * unit), today - timedelta(days=_FEW[0] * unit - 1)


def _latest_weekday(found: re.Match[str], today: date) -> tuple[date, date]:
    day = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(found["name"])) % 7)
    return day, day + timedelta(days=1)


def _weekend_before_last(_found: re.Match[str], today: date) -> tuple[date, date]:
    saturday = today - timedelta(days=today.weekday() + 9)
    return saturday, saturday + timedelta(days=2)


_RULES: tuple[tuple[re.Pattern[str], _Read], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), read)
    for pattern, read in (
        ("the weekend before last", _weekend_before_last),
        (rf"(?:few|several) {_UNIT} ago", _few_ago),
        (rf"(?:past|last|previous) (?:{_NUMBER} )?{_UNIT}", _until_now),
        (rf"{_WHICH} (?:the )?(?P<name>{'|'.join(_SEASONS)})", _season),
        (rf"{_WHICH} (?:early |mid |late )?{_MONTH}(?! \d)", _month),
        (rf"on (?P<name>{'|'.join(_WEEKDAYS)})", _latest_weekday),
    )
)
_MAY = re.compile(r"\b(?P<which>[Ll]ast|[Tt]his|[Nn]ext) (?P<name>May)\b(?! \d)")


def asked_periods(text: str, *, said_at: float) -> tuple[Period, ...]:
    """The times that a query names. said_at: Unix seconds, from which relative times count.

    A weekend is both days; "since" lasts until now; a season is the northern one. What cannot be read names no time.
    """
    today = datetime.fromtimestamp(said_at, UTC).date()
    found: list[Period] = []
    rest, at = text, 0
    for when in dates_in(text, said_at=said_at):
        at = rest.index(when.expression, at)
        since = rest[:at].lower().endswith("since ") or when.expression.lower().startswith("since ")
        found.append(_whole(when, said_at, since=since))
        rest = rest[:at] + "\0" * len(when.expression) + rest[at + len(when.expression) :]
    for may in _MAY.finditer(rest):
        days = _of_calendar(may["which"].lower(), _MONTHS.index("may") + 1, 1, today)
        found.append(Period(_moment(days[0]), _moment(days[1])))
    lower = rest.lower()
    for pattern, read in _RULES:
        for match in pattern.finditer(lower):
            with suppress(ValueError, OverflowError):
                read_days = read(match, today)
                if read_days is not None:
                    found.append(Period(_moment(read_days[0]), _moment(read_days[1])))
        lower = pattern.sub("\0", lower)
    return tuple(found)


def _whole(when: When, said_at: float, *, since: bool) -> Period:
    if since and when.start < said_at:
        return Period(when.start, said_at)
    both_days = _DAY_S if "weekend" in when.expression.lower() else 0.0
    return Period(when.start, when.end + both_days)


def _moment(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()

"""Dates that a text names, resolved against the time at which it was said. English; own grammar, in UTC.

Only expressions with one plain reading are resolved: "on Monday", "soon" and "a few days ago" are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NUMBERS = {
    word: number
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"a": 1, "an": 1, "a couple of": 2}
_MONTH = (
    "(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_COUNT = "(?P<count>\\d{1,3}|a couple of|an?|" + "|".join(word for word in _NUMBERS if " " not in word) + ")"
_UNIT = "(?P<unit>day|week|month|year)s?"
_DAY = "(?P<day>[0-3]?\\d)(?:st|nd|rd|th)?"
_YEAR = "(?P<year>(?:19|20)\\d\\d)"


@dataclass(frozen=True, slots=True)
class When:
    """A date that a text names. expression: its words; start: Unix seconds of the period's first moment;
    granularity: "day", "week", "month" or "year", the length of the period."""

    expression: str
    start: float
    granularity: str

    @property
    def day(self) -> date:
        """The period's first day."""
        return datetime.fromtimestamp(self.start, UTC).date()

    @property
    def end(self) -> float:
        """Unix seconds of the first moment behind the period."""
        day = self.day
        if self.granularity == "month":
            after = _month_after(day, 1)
        elif self.granularity == "year":
            after = date(day.year + 1, 1, 1)
        else:
            after = day + timedelta(days=7 if self.granularity == "week" else 1)
        return datetime(after.year, after.month, after.day, tzinfo=UTC).timestamp()


def _month_after(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _shifted(day: date, count: int, unit: str) -> tuple[date, str]:
    if unit == "day":
        return day + timedelta(days=count), "day"
    if unit == "week":
        return _week(day) + timedelta(weeks=count), "week"
    if unit == "month":
        return _month_after(day, count), "month"
    return date(day.year + count, 1, 1), "year"


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weekday(day: date, name: str, direction: str) -> date:
    ahead = (_DAYS.index(name) - day.weekday()) % 7
    if direction == "last":
        return day - timedelta(days=7 - ahead)
    return day + timedelta(days=(ahead or 7) if direction == "next" else ahead)


def _number(words: str) -> int:
    return int(words) if words.isdigit() else _NUMBERS[" ".join(words.split())]


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _of_calendar(found: re.Match[str], said: date) -> tuple[date, str]:
    month, day = _month_number(found["month"]), int(found["day"])
    if found["year"]:
        return date(int(found["year"]), month, day), "day"
    near = [date(year, month, day) for year in (said.year - 1, said.year, said.year + 1)]
    return min(near, key=lambda each: abs(each - said)), "day"


def _relative(found: re.Match[str], said: date) -> tuple[date, str]:
    days = {
        "the day before yesterday": -2,
        "yesterday": -1,
        "last night": -1,
        "tomorrow": 1,
        "the day after tomorrow": 2,
    }
    return said + timedelta(days=days.get(" ".join(found.group().split()), 0)), "day"


def _named(found: re.Match[str], said: date) -> tuple[date, str]:
    direction, name = found["which"], found["name"]
    step = {"last": -1, "this": 0, "next": 1}[direction]
    if name in _DAYS:
        return _weekday(said, name, direction), "day"
    if name == "weekend":
        return _week(said) + timedelta(days=5 + 7 * step), "day"
    return _shifted(said, step, name)


def _counted(found: re.Match[str], said: date) -> tuple[date, str]:
    sign = 1 if found.group().startswith("in ") else -1
    return _shifted(said, sign * _number(found["count"]), found["unit"])


_Resolve = Callable[[re.Match[str], date], tuple[date, str]]


def _iso_day(found: re.Match[str], _said: date) -> tuple[date, str]:
    return date.fromisoformat(found.group()), "day"


def _month_of_year(found: re.Match[str], _said: date) -> tuple[date, str]:
    return date(int(found["year"]), _month_number(found["month"]), 1), "month"


def _whole_year(found: re.Match[str], _said: date) -> tuple[date, str]:
    return date(int(found["year"]), 1, 1), "year"


_NEAR = r"the day before yesterday|the day after tomorrow|yesterday|last night|today|tonight|tomorrow"
_PATTERNS: tuple[tuple[str, _Resolve], ...] = (
    (rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)", _iso_day),
    (rf"{_MONTH}\.? {_DAY}(?:,? {_YEAR})?", _of_calendar),
    (rf"{_DAY} (?:of )?{_MONTH}\.?(?:,? {_YEAR})?", _of_calendar),
    (rf"{_MONTH},? {_YEAR}", _month_of_year),
    (rf"(?:in|since|until|during) {_YEAR}", _whole_year),
    (rf"{_NEAR}|this (?:morning|afternoon|evening)", _relative),
    (rf"(?P<which>last|this|next) (?P<name>week|month|year|weekend|{'|'.join(_DAYS)})", _named),
    (rf"{_COUNT} {_UNIT} ago", _counted),
    (rf"in {_COUNT} {_UNIT}", _counted),
)
_RULES = tuple((re.compile(rf"\b(?:{pattern})\b"), resolve) for pattern, resolve in _PATTERNS)


def dates_in(text: str, *, said_at: float) -> list[When]:
    """The dates that a text names, in its order; where expressions overlap, the first rule's counts.

    said_at: Unix seconds; relative dates ("yesterday", "two weeks ago") are counted from it. A week begins on Monday;
    "last Friday" is the latest Friday before that day, "next Friday" the first one after it; a date without a year is
    the one nearest to it. What names no day of the calendar (February 30) is no date.
    """
    said = datetime.fromtimestamp(said_at, UTC).date()
    lower = text.lower()
    found: dict[int, tuple[int, When]] = {}
    for pattern, resolve in _RULES:
        for match in pattern.finditer(lower):
            if any(match.start() < end and start < match.end() for start, (end, _) in found.items()):
                continue
            try:
                first, granularity = resolve(match, said)
                start = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
            except (ValueError, OverflowError):
                continue
            expression = text[match.start() : match.end()]
            found[match.start()] = (match.end(), When(expression, start, granularity))
    return [when for _, (_, when) in sorted(found.items())]

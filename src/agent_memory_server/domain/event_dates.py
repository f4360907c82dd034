"""Whether a date that a model gives an event can come from what was said, as far as the rules for dates can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from agent_memory_server.domain.dates import When, dates_in

_DAY_S = 86_400.0
_LENGTHS_S = {"day": _DAY_S, "week": 7 * _DAY_S, "month": 31 * _DAY_S, "year": 366 * _DAY_S}
_AMBIGUOUS = re.compile(r"(?:last|this|next) ", re.IGNORECASE)
"""Which week they count from is not agreed upon: a week more or less is another reading, not a mistake."""

_TIME = re.compile(
    r"\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
    r"|\b(?:ago|last|next|this|past|coming|since|until|spring|summer|autumn|fall|winter|day|week|month|year|morning"
    r"|afternoon|evening|night|tonight|today|yesterday|tomorrow|christmas|easter|birthday|eve|recently|just|now)s?\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"\bI\b|\b(?:[Tt]he|[Mm]y|[Aa]nd|[Hh]ave|had|were|with|[Tt]his|[Tt]hat|[Ww]e|she|they)\b")


def supported_date(
    claimed: float, *, quote: str, message: tuple[str, float], others: Iterable[tuple[str, float]] = ()
) -> float | None:
    """The date that an event has, where a model claims one; None where nothing that was said tells it.

    claimed: Unix seconds. quote: the words the event is read out of; message: the whole text and its time, others:
    the texts around it with theirs. A date that the quotation names, and no other, takes the place of one that does not
    fit; a time that the rules cannot read ("on Monday", another language) is left to the model.
    """
    text, said_at = message
    named = dates_in(quote, said_at=said_at)
    if named:
        return claimed if _fits(claimed, named) else (named[0].start if len(named) == 1 else None)
    if _TIME.search(quote) or not _ENGLISH.search(quote) or _fits(claimed, dates_in(text, said_at=said_at)):
        return claimed
    around = (when for said, at in others for when in dates_in(said, said_at=at))
    return claimed if _fits(claimed, around) else None


def _fits(claimed: float, named: Iterable[When]) -> bool:
    """Whether it lies in one of the periods. A day more on each side, as the speaker's time zone is not known."""
    for when in named:
        slack = 7 * _DAY_S if _AMBIGUOUS.match(when.expression) else _DAY_S
        if when.start - slack <= claimed < when.start + _LENGTHS_S[when.granularity] + slack:
            return True
    return False


def parsed_date(text: str) -> float | None:
    """Unix seconds of an ISO 8601 date or time (UTC where it names no zone); None for anything else."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

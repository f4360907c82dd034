"""Figures of what would be remembered: how much is supported, said twice and missed, and how sure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.figures import RESAMPLES, Floats, Interval
from agent_memory_server.evaluation.reading import SUMMARY, Portion
from agent_memory_server.evaluation.verdicts import Verdicts, said_twice

SHARES = {
    "supported": ("supported", "claims"),
    "duplicates": ("duplicates", "claims"),
    "refused": ("refused", "found"),
    "missed": ("missed", "expected"),
}
"""Each share by its name: what is counted, and of what."""


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """Counts of one session.

    claims:     memories that would be stored; of a summary, its sentences.
    supported:  those that what was said supports; the others are unsupported.
    duplicates: those that say what an earlier one of the conversation says.
    refused:    what was found and would not be stored; found: claims and these.
    expected:   labelled facts, or turns that answer a question.
    missed:     those of them that no claim tells, or comes from.
    """

    conversation: str
    session: str
    claims: int
    supported: int
    duplicates: int
    refused: int
    found: int
    expected: int
    missed: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share from 0 to 1 and its 95 % interval, None for fewer than two sessions that count."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class ExtractionRun:
    """One strategy, read by one model or by rules, over a corpus.

    weak:     claims whose support is weak, which only the aim `recall` lets in.
    reasons:  why what was found would not be stored.
    expected: what missing is counted of: `facts`, `turns`, or None where it cannot be told.
    """

    title: str
    strategy: Mapping[str, Any]
    read_by: tuple[str, ...]
    judged_by: str
    turns: int
    weak: int
    reasons: Mapping[str, int]
    expected: str | None
    sessions: tuple[SessionFigures, ...]

    def count(self, name: str) -> int:
        """The sum of a count over all sessions."""
        return sum(getattr(session, name) for session in self.sessions)


def run_of(
    corpus: Corpus,
    name: str,
    strategy: Mapping[str, Any],
    portions: Sequence[Portion],
    verdicts: Sequence[Verdicts],
    *,
    judged_by: str,
) -> ExtractionRun:
    """The figures of what was read out of a corpus. verdicts: one for each portion."""
    expected = _expected(corpus, strategy)
    again = _again(portions)
    found = list(zip(portions, verdicts, again, strict=True))
    claims = [claim for portion in portions for claim in portion.claims]
    missing = _missing(corpus, expected, portions, verdicts)
    sessions = tuple(
        _session(
            conversation.id,
            session.id,
            [each for each in found if (each[0].conversation, each[0].session) == (conversation.id, session.id)],
            missing.get((conversation.id, session.id), []),
        )
        for conversation in corpus.conversations
        for session in conversation.sessions
    )
    return ExtractionRun(
        title=name,
        strategy=strategy,
        read_by=tuple(sorted({claim.read_by for claim in claims})),
        judged_by=judged_by,
        turns=sum(len(session.turns) for conversation in corpus.conversations for session in conversation.sessions),
        weak=sum(claim.weak for claim in claims),
        reasons=dict(Counter(reason for portion in portions for reason in portion.reasons)),
        expected=expected,
        sessions=sessions,
    )


def _expected(corpus: Corpus, strategy: Mapping[str, Any]) -> str | None:
    if corpus.facts:
        return "facts"
    # A summary names all turns as its source, so that says nothing about what it tells.
    return "turns" if corpus.queries and strategy["strategy"] != SUMMARY else None


def _again(portions: Sequence[Portion]) -> list[int]:
    """How many claims of each portion say what an earlier one of its conversation says."""
    counts = [0] * len(portions)
    for conversation in {portion.conversation for portion in portions}:
        own = [place for place, portion in enumerate(portions) if portion.conversation == conversation]
        places = [place for place in own for _ in portions[place].claims]
        texts = [claim.text for place in own for claim in portions[place].claims]
        for place, twice in zip(places, said_twice(texts), strict=True):
            counts[place] += twice
    return counts


def _missing(
    corpus: Corpus, expected: str | None, portions: Sequence[Portion], verdicts: Sequence[Verdicts]
) -> dict[tuple[str, str], list[bool]]:
    """For each session what was expected of it, and whether it is missing: a thing belongs to the session of its first
    turn."""
    session_of = {
        (conversation.id, turn.id): session.id
        for conversation in corpus.conversations
        for session in conversation.sessions
        for turn in session.turns
    }
    found: dict[tuple[str, str], list[bool]] = {}
    if expected == "facts":
        told = {
            (portion.conversation, id_) for portion, one in zip(portions, verdicts, strict=True) for id_ in one.told
        }
        for fact in corpus.facts:
            place = (fact.conversation, session_of[fact.conversation, fact.turns[0]])
            found.setdefault(place, []).append((fact.conversation, fact.id) not in told)
    elif expected == "turns":
        sources = {(each.conversation, turn) for each in portions for claim in each.claims for turn in claim.turns}
        wanted = dict.fromkeys(
            (query.conversation, turn) for query in corpus.queries for turn in sorted(query.evidence)
        )
        for conversation, turn in wanted:
            place = (conversation, session_of[conversation, turn])
            found.setdefault(place, []).append((conversation, turn) not in sources)
    return found


def _session(
    conversation: str, session: str, found: Sequence[tuple[Portion, Verdicts, int]], missing: Sequence[bool]
) -> SessionFigures:
    claims = sum(len(portion.claims) for portion, _, _ in found)
    refused = sum(len(portion.reasons) for portion, _, _ in found)
    return SessionFigures(
        conversation=conversation,
        session=session,
        claims=claims,
        supported=sum(sum(one.supported) for _, one, _ in found),
        duplicates=sum(again for _, _, again in found),
        refused=refused,
        found=claims + refused,
        expected=len(missing),
        missed=sum(missing),
    )


def shares(sessions: Sequence[SessionFigures], *, seed: int = 0) -> dict[str, Share]:
    """The shares of SHARES that there is something to count of; intervals by resampling sessions."""
    found: dict[str, Share] = {}
    for name, (part, whole) in SHARES.items():
        counts = _counts(sessions, part, whole)
        if counts[:, 1].sum():
            found[name] = Share(float(_ratio(counts.sum(axis=0))), _interval(counts, seed))
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """A share of this run minus that of an earlier one over the same sessions, and its 95 % interval, if there are two
    that count."""

    value: float
    interval: Interval | None


def changes(now: Sequence[SessionFigures], before: Sequence[SessionFigures], *, seed: int = 0) -> dict[str, Change]:
    """Paired by session; nothing of what one of the two has nothing to count of."""
    earlier = {(each.conversation, each.session): each for each in before}
    pairs = [
        (each, earlier[each.conversation, each.session]) for each in now if (each.conversation, each.session) in earlier
    ]
    found: dict[str, Change] = {}
    for name, (part, whole) in SHARES.items():
        one = _counts([pair[0] for pair in pairs], part, whole)
        other = _counts([pair[1] for pair in pairs], part, whole)
        if not (pairs and one[:, 1].sum() and other[:, 1].sum()):
            continue
        value = float(_ratio(one.sum(axis=0)) - _ratio(other.sum(axis=0)))
        found[name] = Change(value, _interval(one, seed, minus=other))
    return found


def _counts(sessions: Sequence[SessionFigures], part: str, whole: str) -> Floats:
    """Shape (sessions, 2)."""
    rows = [(getattr(each, part), getattr(each, whole)) for each in sessions]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


def _ratio(sums: Floats) -> Floats:
    """sums: shape (…, 2)."""
    ratio: Floats = sums[..., 0] / sums[..., 1]
    return ratio


def _interval(counts: Floats, seed: int, minus: Floats | None = None) -> Interval | None:
    """Ends of the 95 % interval of a ratio of sums, or of a difference of two, by resampling the rows.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993 (percentiles).
    """
    others = [] if minus is None else [minus]
    if any((each[:, 1] > 0).sum() < 2 for each in (counts, *others)):
        return None
    size = len(counts)
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=RESAMPLES)
    sums = [weights @ each for each in (counts, *others)]
    counting = np.all([each[:, 1] > 0 for each in sums], axis=0)
    ratios = [_ratio(each[counting]) for each in sums]
    values = ratios[0] if minus is None else ratios[0] - ratios[1]
    low, high = np.percentile(values, [2.5, 97.5]).tolist()
    return (low, high)

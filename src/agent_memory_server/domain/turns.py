"""Turns of a conversation: which message stands beside which, who spoke, and what neighbours lend to each other.

A turn is often an answer to the one before it ("Yes, in May!"), so it is found by its neighbours' words and vectors
too. Everything here is computed from what is stored of each record alone: an appended, changed or deleted message
changes what its neighbours have by the next search, and nothing needs to be written again. All functions are pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.word_rows import NEAREST_WORDS, Occurrences
from agent_memory_server.domain.words import fold

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OWN_WORDS = 3.0
NEXT_WORDS = 1.0
FARTHER_WORDS = 0.5
"""Weights of a turn's own words, of those of the turns beside it, and of those two away (`docs/benchmarks.md`)."""

NEIGHBOUR_VECTORS = 0.3
"""Weight of each neighbour's vector beside a turn's own."""

NAMED_SPEAKER = 1.25
"""Factor for the turns of the one speaker whom a question names."""

USER_TURN = 1.3
"""How much more a user's turn counts than an assistant's: most questions ask for what the user told."""

_NONE = np.zeros(1, np.int64)
_ROWS_AT_ONCE = 64
"""Vectors that are looked at at once: a small buffer stays in the processor's cache and costs no new pages."""
_SPEAKER_CHARS = 64
_ASSISTANTS = frozenset({"assistant", "ai", "bot", "model"})
_ROLES = _ASSISTANTS | {"user", "human", "system", "tool", "function", "developer"}
_NAME = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile("['\u2019]s\\b")


@dataclass(frozen=True, slots=True)
class Around:
    """The turns beside n records, as rows: shape (n, 4), columns previous, next, second previous, second next;
    -1 where there is none, and everywhere for records that are no messages. norms: `pooled_norms` of those that were
    asked for, NaN for the others."""

    rows: NDArray[np.int64]
    norms: Floats = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "norms", np.full(len(self.rows), np.nan))

    def of(self, rows: Ints) -> NDArray[np.int64]:
        """Of some of the records, shape (len(rows), 4)."""
        return self.rows[rows]


def around(records: int, rows: Ints, sessions: Ints, times: Floats, stored: Floats) -> Around:
    """Who stands beside whom among `records` rows.

    rows: the rows that are messages of one scope, in the order that decides between equal times (row id, id);
    sessions: a number for each one's (namespace, user, session); times: `created_at`; stored: `persisted_at`.
    """
    found = np.full((records, 4), -1, np.int64)
    order = np.lexsort((stored, times, sessions))
    placed, session = rows[order], sessions[order]
    for distance, (before, behind) in ((1, (0, 1)), (2, (2, 3))):
        together = np.flatnonzero(session[distance:] == session[:-distance])
        found[placed[together + distance], before] = placed[together]
        found[placed[together], behind] = placed[together + distance]
    return Around(found)


def weighted_counts(found: Sequence[Occurrences], records: int, rows: Ints, beside: NDArray[np.int64]) -> Floats:
    """How often each of n rows holds each of t words, neighbours' words included by weight; in units of own words.

    found: of each word among the `records` rows; beside: `Around.of(rows)`. Returns shape (n, t).
    """
    counts = np.zeros((len(rows), len(found)))
    places = np.column_stack([rows, beside])
    holds = np.zeros(records + 1, np.int64)  # the last entry stands for "no turn" (-1)
    for t, one in enumerate(found):
        # Where each row stands among those that hold the word, from 1; 0 for the others.
        holds[one.rows] = np.arange(1, len(one.rows) + 1)
        at = holds[places]
        holds[one.rows] = 0
        own, leading, trailing = (np.concatenate([_NONE, of]) for of in (one.counts, one.leading, one.trailing))
        next_to = trailing[at[:, 1]] + leading[at[:, 2]]
        farther = trailing[at[:, 3]] + leading[at[:, 4]]
        counts[:, t] = own[at[:, 0]] + next_to * (NEXT_WORDS / OWN_WORDS) + farther * (FARTHER_WORDS / OWN_WORDS)
    return counts


def relative_lengths(lengths: NDArray[np.int32], rows: Ints, beside: NDArray[np.int64], mean: float) -> Floats:
    """Length of each of n rows with what its neighbours lend, over what is usual for a record with such neighbours.

    lengths: words of every row; mean: words of a record of the searched scope on average, > 0. Shape (n,).
    """
    known = np.append(lengths, 0).astype(np.float64)
    weights = np.array([NEXT_WORDS, NEXT_WORDS, FARTHER_WORDS, FARTHER_WORDS]) / OWN_WORDS
    lent = np.minimum(known[beside], NEAREST_WORDS) @ weights
    usual = mean + min(mean, NEAREST_WORDS) * ((beside >= 0) @ weights)
    length: Floats = (known[rows] + lent) / usual
    return length


def pooled_norms(vectors: NDArray[np.float32], rows: Ints, beside: NDArray[np.int64]) -> Floats:
    """Length of each turn's vector plus NEIGHBOUR_VECTORS of both neighbours', shape (n,).

    vectors: unit rows, zero where there is none; rows: the turns', shape (n,); beside: `Around.of(rows)`.
    """
    found = np.empty(len(rows))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        pooled = vectors[beside[part, 0]]
        pooled[beside[part, 0] < 0] = 0.0
        following = vectors[beside[part, 1]]
        following[beside[part, 1] < 0] = 0.0
        pooled += following
        pooled *= np.float32(NEIGHBOUR_VECTORS)
        pooled += vectors[rows[part]]
        found[part] = np.vecdot(pooled, pooled)
    return np.sqrt(np.maximum(found, 1e-12))


def pooled_similarities(vectors: NDArray[np.float32], rows: Ints, around: Around, query: NDArray[np.float32]) -> Floats:
    """Cosine similarity of each turn's vector plus NEIGHBOUR_VECTORS of both neighbours' with the query's, shape (n,).

    vectors: unit rows, zero where there is none; rows: the turns', shape (n,); around: of all these vectors; query: of
    unit length.
    """
    norms = around.norms
    unknown = rows[np.isnan(norms[rows])]
    if len(unknown):
        norms[unknown] = pooled_norms(vectors, unknown, around.of(unknown))
    beside = around.rows[rows, :2]
    wanted = np.zeros(len(vectors) + 1, np.bool_)  # the last entry stands for "no turn" (-1)
    wanted[rows] = True
    wanted[beside] = True
    wanted[-1] = False
    needed = np.flatnonzero(wanted)
    products = np.zeros(len(wanted))
    for start in range(0, len(needed), _ROWS_AT_ONCE):
        part = needed[start : start + _ROWS_AT_ONCE]
        products[part] = np.vecdot(vectors[part], query)
    lent = products[beside].sum(axis=1)
    similarities: Floats = (products[rows] + NEIGHBOUR_VECTORS * lent) / norms[rows]
    return similarities


def speaker_of(text: str) -> str:
    """Who speaks in the text of a message record ("Ada: …"): folded, "" where it names nobody."""
    speaker, separator, _ = text[:_SPEAKER_CHARS].partition(": ")
    return fold(speaker).strip() if separator else ""


def named(question: str, speakers: Collection[str]) -> str | None:
    """The one of the speakers (`speaker_of`) whom a question names, by a part of the name; None for none or several."""
    asked = set(_NAME.findall(_POSSESSIVE.sub("", fold(question))))
    found = {one for one in speakers if one not in _ROLES and asked.intersection(_NAME.findall(one))}
    return found.pop() if len(found) == 1 else None


def speaker_factors(question: str, speakers: Ints, names: Sequence[str]) -> Floats:
    """By what each candidate's score is multiplied for its speaker, shape (n,).

    speakers: who speaks, as a place in `names` (`speaker_of`), which has "" for records that are no messages.
    """
    factors = np.ones(len(names))
    present = {names[speaker]: speaker for speaker in np.flatnonzero(np.bincount(speakers)).tolist()}
    # An assistant's turns lose rather than that a user's gain: records that are no messages stay beside the user's.
    for assistant in present.keys() & _ASSISTANTS:
        factors[present[assistant]] = 1.0 / USER_TURN
    one = named(question, present)
    if one is not None:
        factors[present[one]] = NAMED_SPEAKER
    found: Floats = factors[speakers]
    return found

"""Word codes of some records as flat arrays, and counting words and phrases in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.query import Term
from agent_memory_server.domain.words import word_codes

Codes = NDArray[np.uint32]
Rows = NDArray[np.int32]

NEAREST_WORDS = 20
"""Words of a turn that count for its neighbours: the last ones for the turn behind it, the first ones for the turn
before it. Long turns at full length would bury the short one between them."""


@dataclass(frozen=True, slots=True)
class Occurrences:
    """rows: the rows that hold a term, ascending, each once. For each of them counts: how often in all; leading,
    trailing: how often among its first and its last NEAREST_WORDS words."""

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    leading: NDArray[np.int64]
    trailing: NDArray[np.int64]

    def kept(self, keep: NDArray[np.bool_]) -> Occurrences:
        """Those where `keep` (one flag for each of `rows`) is set."""
        return Occurrences(self.rows[keep], self.counts[keep], self.leading[keep], self.trailing[keep])


@dataclass(frozen=True, slots=True)
class WordRows:
    """Words of n records. codes: all words in order, record after record; row_of: the record of each word;
    lengths: words in each record, shape (n,)."""

    codes: Codes
    row_of: Rows
    lengths: Rows
    ends: NDArray[np.int64] = field(init=False)
    """behind the last word of each record; made of the lengths"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", np.cumsum(self.lengths, dtype=np.int64))

    def occurrences(self, term: Term) -> Occurrences:
        """Where a word, or a phrase as adjacent words, occurs."""
        codes = word_codes(term.words)
        at = np.flatnonzero(self.codes == codes[0])
        for offset, code in enumerate(codes[1:], start=1):
            at = at[at + offset < len(self.codes)]
            at = at[(self.codes[at + offset] == code) & (self.row_of[at + offset] == self.row_of[at])]
        rows = self.row_of[at].astype(np.int64)  # ascending, as the words are
        place = at - (self.ends[rows] - self.lengths[rows])
        leading = place < NEAREST_WORDS
        trailing = self.lengths[rows] - place <= NEAREST_WORDS
        new = np.empty(len(rows), np.bool_)
        new[:1] = True
        np.not_equal(rows[1:], rows[:-1], out=new[1:])
        if new.all():
            return Occurrences(rows, new.astype(np.int64), leading.astype(np.int64), trailing.astype(np.int64))
        first = np.flatnonzero(new)
        counts = np.empty(len(first), np.int64)
        np.subtract(first[1:], first[:-1], out=counts[:-1])
        counts[-1] = len(rows) - first[-1]
        leads, trails = (np.add.reduceat(some.astype(np.int64), first) for some in (leading, trailing))
        return Occurrences(rows[first], counts, leads, trails)


def flat(blobs: Sequence[bytes | None], first_row: int = 0) -> WordRows:
    """The records whose words these are (uint32 little-endian codes in text order), numbered from `first_row`."""
    lengths = np.array([len(blob) // 4 if blob else 0 for blob in blobs], np.int32)
    codes = np.frombuffer(b"".join(blob for blob in blobs if blob), "<u4")
    rows = np.repeat(np.arange(first_row, first_row + len(blobs), dtype=np.int32), lengths)
    return WordRows(codes, rows, lengths)

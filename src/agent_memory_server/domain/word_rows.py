"""Word codes of some records as flat arrays, and counting words and phrases in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.query import Term
from agent_memory_server.domain.words import word_codes

Codes = NDArray[np.uint32]
Rows = NDArray[np.int32]
_FIRST = np.ones(1, np.bool_)

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

    def occurrences(self, term: Term) -> Occurrences:
        """Where a word, or a phrase as adjacent words, occurs."""
        codes = word_codes(term.words)
        at = np.flatnonzero(self.codes == codes[0])
        for offset, code in enumerate(codes[1:], start=1):
            at = at[at + offset < len(self.codes)]
            at = at[(self.codes[at + offset] == code) & (self.row_of[at + offset] == self.row_of[at])]
        rows = self.row_of[at].astype(np.int64)  # ascending, as the words are
        first = np.flatnonzero(np.concatenate([_FIRST[: len(rows)], rows[1:] != rows[:-1]]))
        held, counts = rows[first], np.diff(first, append=len(rows))
        if not len(first):
            return Occurrences(held, counts, counts, counts)
        starts = np.searchsorted(self.row_of, held.astype(np.int32))  # the codes of a row lie together
        place = at - np.repeat(starts, counts)
        left = np.repeat(self.lengths[held], counts) - place
        leading = np.add.reduceat((place < NEAREST_WORDS).astype(np.int64), first)
        trailing = np.add.reduceat((left <= NEAREST_WORDS).astype(np.int64), first)
        return Occurrences(held, counts, leading, trailing)


def flat(blobs: Sequence[bytes | None], first_row: int = 0) -> WordRows:
    """The records whose words these are (uint32 little-endian codes in text order), numbered from `first_row`."""
    lengths = np.array([len(blob) // 4 if blob else 0 for blob in blobs], np.int32)
    codes = np.frombuffer(b"".join(blob for blob in blobs if blob), "<u4")
    rows = np.repeat(np.arange(first_row, first_row + len(blobs), dtype=np.int32), lengths)
    return WordRows(codes, rows, lengths)

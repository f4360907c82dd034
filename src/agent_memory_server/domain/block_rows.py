"""The rows of a block that follows a store: they are only ever appended, and die."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Growing, Rids
from agent_memory_server.domain.block import BlockView
from agent_memory_server.domain.word_rows import WordRows


class BlockRows:
    """Rows of records, each with words and perhaps a vector. Views handed out earlier keep their content; one thread
    changes it at a time."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._rids = Growing(np.empty(0, np.int64))
        self._live, self._embedded = Growing(np.empty(0, np.bool_)), Growing(np.empty(0, np.bool_))
        # Growing grows along the last axis, so the matrix is kept flat.
        self._vectors = Growing(np.empty(0, np.float32))
        self._codes, self._row_of = Growing(np.empty(0, np.uint32)), Growing(np.empty(0, np.int32))
        self._lengths = Growing(np.empty(0, np.int32))

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        arrays = (self._rids, self._live, self._embedded, self._vectors, self._codes, self._row_of, self._lengths)
        return sum(array.nbytes for array in arrays)

    @property
    def rows(self) -> int:
        """How many rows there are, dead ones included: the number of the next one."""
        return len(self._rids.view)

    def rid(self, row: int) -> int:
        """The record of a row."""
        return int(self._rids.view[row])

    @property
    def worn(self) -> bool:
        """Whether so many rows are dead that it should be loaded anew."""
        live = self._live.view
        return int(np.count_nonzero(~live)) > 64 + len(live) // 4

    def append(self, rids: Rids, vectors: Sequence[bytes | None], words: WordRows) -> None:
        """Put records behind. vectors: float32, little-endian; words: of rows numbered from `rows` on.

        Raises: ValueError, with nothing appended, where a vector does not have the block's dimensions.
        """
        embedded = np.array([vector is not None for vector in vectors], np.bool_)
        found = np.frombuffer(b"".join([vector for vector in vectors if vector is not None]), "<f4")
        if found.size != np.count_nonzero(embedded) * self._dimensions:
            raise ValueError(f"a stored vector does not have {self._dimensions} dimensions")
        if not embedded.all():
            sparse = np.zeros((len(rids), self._dimensions), np.float32)
            sparse[embedded] = found.reshape(int(np.count_nonzero(embedded)), self._dimensions)
            found = sparse.reshape(-1)
        self._rids.extend(rids)
        self._live.extend(np.ones(len(rids), np.bool_))
        self._embedded.extend(embedded)
        self._vectors.extend(found)
        self._codes.extend(words.codes)
        self._row_of.extend(words.row_of)
        self._lengths.extend(words.lengths)

    def kill(self, rows: NDArray[np.int64]) -> None:
        """Rows whose records are gone or have another row from now on."""
        if len(rows):
            live = self._live.view.copy()
            live[rows] = False
            self._live = Growing(live)

    def view(self) -> BlockView:
        """What it holds now."""
        words = WordRows(self._codes.view, self._row_of.view, self._lengths.view)
        vectors = self._vectors.view.reshape(self.rows, self._dimensions)
        return BlockView(self._rids.view, vectors, words, self._live.view, self._embedded.view)

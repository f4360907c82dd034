"""The calibration of a file's vectors: a sample of them, read."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.domain.calibration import FEWEST, SAMPLE, Calibration, fit_pairs

_VECTORS = "SELECT v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"


def calibrate(connection: apsw.Connection, pages: Sequence[NDArray[np.int64]]) -> Calibration | None:
    """Fit over pairs of a sample of the stored vectors: for some of them, the nearest others of the sample and as
    many random ones. Takes about 10 ms. pages: the record numbers of all vectors."""
    rids = np.concatenate(pages)
    if len(rids) < FEWEST:
        return None
    chance = np.random.default_rng(0)  # the same file gives the same rankings
    sample = np.sort(chance.choice(rids, min(SAMPLE, len(rids)), replace=False))
    blobs = [row[0] for row in fetch_for(connection, _VECTORS, sample)]
    vectors = np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1)
    return fit_pairs(vectors, chance)

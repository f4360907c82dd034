"""A check of the approximate search on the stored vectors themselves."""

from __future__ import annotations

import time
from dataclasses import dataclass

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.codes import CODES_BYTES
from agent_memory_server.adapters.sqlite.dense import from_file
from agent_memory_server.adapters.sqlite.exact import scan
from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.adapters.sqlite.scopes import ALL_RIDS
from agent_memory_server.adapters.sqlite.sketch import SketchCache

_PLACES = 10
_RIDS = "SELECT rid FROM vecs"
_VECTORS = "SELECT v FROM carray(?) a CROSS JOIN vecs ON rid = a.value"


@dataclass(frozen=True, slots=True)
class RecallCheck:
    """recall: share of the true ten nearest that the sketch found, 0 … 1, over all samples; worst: of one sample;
    search_ms, exact_ms: mean time of one search each way. A store without vectors has samples 0 and recall 1."""

    vectors: int
    samples: int
    recall: float
    worst: float
    search_ms: float
    exact_ms: float


def check_recall(connection: apsw.Connection, *, samples: int = 50, seed: int = 0) -> RecallCheck:
    """Search for some stored vectors through the sketch and by comparing all of them.

    The exact side reads every vector once per sample: about 2 µs for each record of the store. On a reading
    connection outside a transaction; the store may change meanwhile.
    """
    connection.execute("BEGIN")
    try:
        return _checked(connection, samples, np.random.default_rng(seed))
    finally:
        connection.execute("COMMIT")


def _checked(connection: apsw.Connection, samples: int, chance: np.random.Generator) -> RecallCheck:
    rids = np.array([row[0] for row in fetch(connection, _RIDS)], np.int64)
    if not len(rids):
        return RecallCheck(0, 0, 1.0, 1.0, 0.0, 0.0)
    chosen = np.sort(chance.choice(rids, min(samples, len(rids)), replace=False))
    stored = fetch_for(connection, _VECTORS, chosen)
    sketches = SketchCache(dimensions=len(stored[0][0]) // 4, codes_bytes=CODES_BYTES)
    sketch = sketches.get(connection, 0)
    shares, search_s, exact_s = [], 0.0, 0.0
    for (blob,) in stored:
        query = np.frombuffer(blob, "<f4")
        began = time.perf_counter()
        found = from_file(connection, sketch, (ALL_RIDS,), query, None).best(_PLACES, _PLACES)
        between = time.perf_counter()
        true = scan(connection, (ALL_RIDS,), query).best(_PLACES)
        search_s, exact_s = search_s + between - began, exact_s + time.perf_counter() - between
        # Equal distances are equally right, whichever of the records is given.
        bound = float(true.values[-1]) + 1e-6
        shares.append(float(np.count_nonzero(found.values[:_PLACES] <= bound)) / len(true.values))
    count = len(shares)
    return RecallCheck(
        len(rids), count, sum(shares) / count, min(shares), search_s / count * 1e3, exact_s / count * 1e3
    )

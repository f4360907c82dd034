"""The signs along the main directions keep in step with the file, and searches by them find what an exact one finds."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.at_once import NotAtOnce
from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.nearest import NearestByBits
from agent_memory_server.adapters.sqlite.record_change import RecordChange, find_stored
from agent_memory_server.adapters.sqlite.scopes import ALL_RIDS
from agent_memory_server.adapters.sqlite.sketch import SketchCache, SketchView
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.short_signs import FEWEST
from tests.domain.test_short_signs import DIMENSIONS, Matrix, texts, unit

RECORDS = FEWEST + 500


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    opened = open_writer(tmp_path / "memory.db", dimensions=DIMENSIONS, durability="normal")
    migrate(opened)
    return opened


def store(connection: apsw.Connection, vectors: Matrix, first: int = 0) -> None:
    with connection:
        changed = RecordChange(connection)
        for number, vector in enumerate(vectors, start=first):
            changed.insert(Memory(id=f"m{number}", text="", created_at=1, updated_at=1, last_accessed=1), vector)
        changed.finish()


def replace(connection: apsw.Connection, number: int, vector: NDArray[np.float32] | None) -> None:
    stored = find_stored(connection, f"m{number}")
    if stored is None:
        return
    with connection:
        changed = RecordChange(connection)
        if vector is None:
            changed.remove(stored)
        else:
            changed.replace(
                stored, Memory(id=f"m{number}", text="", created_at=1, updated_at=1, last_accessed=1), vector
            )
        changed.finish()


def view(connection: apsw.Connection, cache: SketchCache) -> SketchView:
    ((seq,),) = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchall()
    return cache.get(connection, int(seq))  # type: ignore[arg-type]


def recall(connection: apsw.Connection, sketch: SketchView, queries: Matrix) -> float:
    rows = connection.execute("SELECT rid, v FROM vecs ORDER BY rid").fetchall()
    stored = np.frombuffer(b"".join(row[1] for row in rows), "<f4").reshape(len(rows), -1)  # type: ignore[misc]
    rids, distances = np.array([row[0] for row in rows]), 1.0 - np.vecdot(queries[:, None], stored[None])
    found = 0
    for query, every in zip(queries, distances, strict=True):
        best = NearestByBits(connection, sketch, sketch.parts((ALL_RIDS,), None), query).best(10, 10)
        assert (np.diff(best.values) >= 0).all()
        tenth = np.partition(every, 9)[9] + 1e-6
        found += int((every[np.searchsorted(rids, best.rids[:10])] <= tenth).sum())
    return found / (10 * len(queries))


def test_searches_find_what_an_exact_one_finds_through_every_kind_of_change(connection: apsw.Connection) -> None:
    store(connection, texts(RECORDS, 20))
    cache = SketchCache(dimensions=DIMENSIONS, codes_bytes=10**8)
    chance = np.random.default_rng(0)
    fresh = texts(240, 21)
    for step in range(3):
        for number, vector in zip(chance.integers(RECORDS, size=20), fresh[80 * step :], strict=False):
            replace(connection, int(number), None if chance.random() < 0.3 else vector)
        store(connection, fresh[80 * step + 20 : 80 * step + 80], first=RECORDS + 80 * step)
        sketch = view(connection, cache)
        assert sketch.short is not None
        assert sketch.codes is not None
        columns, _, outside = sketch.short.directions.signs(sketch.codes.vectors(np.arange(len(sketch.rids))))
        assert np.bitwise_count(columns ^ sketch.short.columns).sum() <= 20
        assert abs(len(sketch.short.outside) - outside.sum()) <= 2
        assert recall(connection, sketch, texts(20, 22 + step)) >= 0.99


def test_records_of_other_directions_are_found_too(connection: apsw.Connection) -> None:
    store(connection, texts(RECORDS, 30))
    cache = SketchCache(dimensions=DIMENSIONS, codes_bytes=10**8)
    view(connection, cache)
    others = unit(np.random.default_rng(31).standard_normal((60, DIMENSIONS)))
    store(connection, others, first=RECORDS)
    sketch = view(connection, cache)
    assert sketch.short is not None
    assert len(sketch.short.outside) >= 60
    near = unit(others[:20] + 0.02 * np.random.default_rng(32).standard_normal((20, DIMENSIONS)))
    assert recall(connection, sketch, near) >= 0.99
    assert recall(connection, sketch, texts(20, 33)) >= 0.99


def test_vectors_without_main_directions_are_searched_by_all_their_signs(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory_server.adapters.sqlite.nearest.CANDIDATES", 400)
    store(connection, unit(np.random.default_rng(40).standard_normal((RECORDS, DIMENSIONS))))
    sketch = view(connection, SketchCache(dimensions=DIMENSIONS, codes_bytes=10**8))
    queries = unit(np.random.default_rng(41).standard_normal((20, DIMENSIONS)))
    assert recall(connection, sketch, queries) >= 0.99
    short = NearestByBits(connection, sketch, sketch.parts((ALL_RIDS,), None), queries[0], most=400)
    with pytest.raises(NotAtOnce):
        short.best(10, 10)


def test_a_store_of_few_records_or_dimensions_has_no_main_directions(connection: apsw.Connection) -> None:
    store(connection, texts(FEWEST - 1, 50))
    assert view(connection, SketchCache(dimensions=DIMENSIONS, codes_bytes=10**8)).short is None
    assert view(connection, SketchCache(dimensions=DIMENSIONS)).short is None

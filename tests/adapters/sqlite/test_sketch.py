"""The sketch keeps in step with the file through additions, replacements, deletions and its own compaction."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.codes import SLACK
from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.record_change import RecordChange, find_stored
from agent_memory_server.adapters.sqlite.sketch import SketchCache, SketchView
from agent_memory_server.domain.hamming import hamming, nearest_count, refined
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.signs import PLANES, as_columns, query_planes, query_signs

DIMENSIONS = 100


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    opened = open_writer(tmp_path / "memory.db", dimensions=DIMENSIONS, durability="normal")
    migrate(opened)
    return opened


def change(connection: apsw.Connection, number: int, vector: NDArray[np.float32] | None) -> None:
    memory = Memory(
        id=f"m{number}", user_id=f"u{number % 5}", text="", created_at=1, updated_at=1, last_accessed=1, memory_hash="x"
    )
    stored = find_stored(connection, memory.id)
    changed = RecordChange(connection)
    if stored is not None and vector is None:
        changed.remove(stored)
    elif stored is not None:
        changed.replace(stored, memory, vector)
    elif vector is not None:
        changed.insert(memory, vector)
    changed.finish()


def seq(connection: apsw.Connection) -> int:
    return int(connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchall()[0][0])  # type: ignore[arg-type]


def alive(view: SketchView) -> dict[int, bytes]:
    here = np.ones(len(view.rids), np.bool_)
    here[view.dead] = False
    return {int(rid): view.columns[:, i].tobytes() for i, rid in enumerate(view.rids) if here[i]}


def assert_codes_belong_to_their_records(
    connection: apsw.Connection, view: SketchView, query: NDArray[np.float32]
) -> None:
    assert view.codes is not None or not len(view.rids)
    stored = {rid: np.frombuffer(blob, "<f4") for rid, blob in connection.execute("SELECT rid, v FROM vecs")}
    here = np.setdiff1d(np.arange(len(view.rids)), view.dead)
    if view.codes is not None and len(here):
        exact = np.array([1.0 - float(stored[rid] @ query) for rid in view.rids[here].tolist()])
        assert np.abs(view.codes.distances(here, query) - exact).max() < SLACK


def in_file(connection: apsw.Connection) -> dict[int, bytes]:
    width = -(-DIMENSIONS // 64) * 8
    return {rid: bits.ljust(width, b"\0") for rid, bits in connection.execute("SELECT rid, b FROM sketch")}


def test_the_sketch_follows_every_kind_of_change(connection: apsw.Connection) -> None:
    chance = np.random.default_rng(0)
    cache = SketchCache(dimensions=DIMENSIONS, codes_bytes=10**6)
    for step, vector in enumerate(vectors(120, 1)):
        with connection:
            for _ in range(int(chance.integers(1, 100))):
                gone = chance.random() < 0.3
                change(connection, int(chance.integers(0, 300)), None if gone else vector)
        view = cache.get(connection, seq(connection))
        assert alive(view) == in_file(connection), step
        assert_codes_belong_to_their_records(connection, view, vector)
        assert (np.diff(view.rids[: view.base]) > 0).all()
        wanted = np.array(sorted(in_file(connection))[::3], np.int64)
        [part] = view.parts(((0, 2**62),), wanted)
        assert sorted(view.rids[part].tolist()) == wanted.tolist()
        low, high = 1 << 24, (3 << 24) - 1
        expected = [rid for rid in sorted(in_file(connection)) if low <= rid <= high]
        here = np.concatenate([np.arange(len(view.rids))[part] for part in view.parts(((low, high),), None)])
        assert sorted(view.rids[np.setdiff1d(here, view.dead)].tolist()) == expected


def test_a_process_behind_the_pruned_tombstones_loads_anew(connection: apsw.Connection) -> None:
    cache = SketchCache(dimensions=DIMENSIONS, codes_bytes=10**6)
    with connection:
        for number, vector in enumerate(vectors(20, 2)):
            change(connection, number, vector)
    cache.get(connection, seq(connection))
    with connection:
        change(connection, 3, None)
        connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('pruned_to', ?)", (seq(connection),))
        connection.execute("DELETE FROM tombstones")
    assert alive(cache.get(connection, seq(connection))) == in_file(connection)


def test_distances_count_differing_bits() -> None:
    chance = np.random.default_rng(3)
    rows = chance.standard_normal((70_000, DIMENSIONS)).astype(np.float32)
    query = rows[17]
    columns = as_columns(np.packbits(rows > 0, axis=1))
    planes = query_planes(query)
    found = hamming(columns, planes[0])
    assert (found == ((rows > 0) != (query > 0)).sum(axis=1)).all()
    assert abs(int((found <= nearest_count(found, 1_000)).sum()) - 1_000) < 500
    # The weighted distance to all planes is the product with the rounded query, but for scale and offset.
    near = np.corrcoef(refined(columns, planes, found), np.where(rows > 0, 1.0, -1.0) @ query)[0, 1]
    assert near < -0.99


def test_components_of_zero_agree_with_their_stored_sign() -> None:
    query = np.zeros(DIMENSIONS, np.float32)
    query[::3] = 0.2
    bits = as_columns(np.packbits(query[None] > 0, axis=1))
    assert query_planes(query).shape[0] == PLANES
    assert hamming(bits, query_planes(query)[0]).tolist() == [0]


def test_the_signs_of_a_query_are_its_first_plane() -> None:
    chance = np.random.default_rng(5)
    for _ in range(50):
        query = np.round(chance.normal(size=DIMENSIONS), 1).astype(np.float32)
        assert query_signs(query).tolist() == query_planes(query)[0].tolist()


def test_distances_of_wide_vectors_count_beyond_a_byte() -> None:
    columns = np.full((24, 70_000), 2**64 - 1, np.uint64)
    assert set(hamming(columns, np.zeros(24, np.uint64)).tolist()) == {24 * 64}

"""Search in the embedded engine, in one process: recall against an exact scan, and latency.

    python -m benchmarks.engine_search --rows 50000 --data clustered --json figures.json

The store is filled by bulk SQL, in a folder that is deleted afterwards. "clustered": vectors around 1 center for
50 records, as texts about the same things are; queries lie near stored vectors. "uniform": directions without any
structure, the worst case of every index. Texts are random words with the frequencies of natural language (Zipf).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.connection import open_reader, open_writer
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.exact import scan
from agent_memory_server.adapters.sqlite.scopes import ALL_RIDS
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.domain.filters import EVERYTHING, Filter, TagField, only
from agent_memory_server.domain.query import Mode, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.words import word_codes

WORDS_PER_RECORD = 14
VOCABULARY = 30_000
CHUNK = 10_000
OTHERS = 5_000
"""Records of a user beside the two that are measured alone (500 and 10,000 records)."""


class Data:
    """Vectors and words of a synthetic store, the same for the same arguments."""

    def __init__(self, rows: int, dimensions: int, kind: str) -> None:
        self.rows, self.dimensions, self.kind = rows, dimensions, kind
        self.chance = np.random.default_rng(7)
        self.centers = self._unit(self.chance.standard_normal((max(1, rows // 50), dimensions)))
        self.words = np.array([f"w{number:x}" for number in range(VOCABULARY)])
        weights = 1.0 / np.arange(5, VOCABULARY + 5)
        self.shares = np.cumsum(weights / weights.sum())

    @staticmethod
    def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def queries(self, count: int) -> NDArray[np.float32]:
        """Unit vectors as the stored ones are, none of them stored."""
        return self.vectors(count, np.random.default_rng(11))

    def vectors(self, count: int, chance: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Unit vectors, shape (count, dimensions)."""
        chance = chance or self.chance
        noise = chance.standard_normal((count, self.dimensions))
        if self.kind == "uniform":
            return self._unit(noise)
        near = self.centers[chance.integers(len(self.centers), size=count)]
        return self._unit(near + noise * 0.9 / np.sqrt(self.dimensions))

    def texts(self, count: int) -> list[list[str]]:
        """Words of `count` records."""
        drawn = np.searchsorted(self.shares, self.chance.random((count, WORDS_PER_RECORD)))
        return [list(row) for row in self.words[np.minimum(drawn, VOCABULARY - 1)].tolist()]


def scopes_of(rows: int) -> Iterator[tuple[str, int]]:
    """Users and how many records each has."""
    yield "small", min(500, rows)
    left = rows - min(500, rows)
    if left > 20_000:
        yield "large", 10_000
        left -= 10_000
    for number in range(-(-left // OTHERS)):
        yield f"user-{number}", min(OTHERS, left - number * OTHERS)


def fill(connection: apsw.Connection, data: Data) -> None:
    """Write all tables that a search reads."""
    scopes = list(scopes_of(data.rows))
    connection.execute("INSERT INTO blocks(start, size, used, namespace) VALUES(0, 4096, ?, 'bench')", (len(scopes),))
    sequence = 0
    for number, (user, count) in enumerate(scopes):
        for start in range(0, count, CHUNK):
            sequence += 1
            connection.execute("BEGIN IMMEDIATE")
            write(connection, data, (number << 24) + 1 + start, min(CHUNK, count - start), sequence)
            connection.execute("COMMIT")
        connection.execute(
            "INSERT INTO scopes(scope, namespace, user_id, next_local, records, words) VALUES(?, 'bench', ?, ?, ?, ?)",
            (number, user, count + 1, count, count * WORDS_PER_RECORD),
        )
    connection.execute("UPDATE blocks SET records = ?, words = ?", (data.rows, data.rows * WORDS_PER_RECORD))
    figures = {"seq": sequence, "records": data.rows, "words": data.rows * WORDS_PER_RECORD}
    connection.executemany("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", figures.items())
    connection.execute("INSERT INTO fts(fts) VALUES('optimize')")


def write(connection: apsw.Connection, data: Data, first: int, count: int, sequence: int) -> None:
    """One chunk of records with consecutive numbers."""
    vectors, texts = data.vectors(count), data.texts(count)
    bits = np.packbits(vectors > 0, axis=1)
    rids = range(first, first + count)
    connection.executemany(
        "INSERT INTO memories(rid, id, session_id, memory_type, extraction_strategy, pinned, embedded, extracted,"
        " revision, access_count, created_at, updated_at, last_accessed, memory_hash, text, seq)"
        " VALUES(?, ?, '', 'semantic', 'discrete', 0, 1, 1, 1, 0, ?, 0, 0, '', ?, ?)",
        ((rid, f"m{rid}", float(rid), " ".join(text), sequence) for rid, text in zip(rids, texts, strict=True)),
    )
    for table, blobs in (("vecs(rid, v)", vectors), ("sketch(rid, b)", bits)):
        connection.executemany(
            f"INSERT INTO {table} VALUES(?, ?)", ((r, b.tobytes()) for r, b in zip(rids, blobs, strict=True))
        )
    connection.executemany(
        "INSERT INTO words VALUES(?, ?)", ((r, word_codes(t).tobytes()) for r, t in zip(rids, texts, strict=True))
    )
    connection.executemany(
        "INSERT INTO fts(rowid, w) VALUES(?, ?)", ((r, " ".join(t)) for r, t in zip(rids, texts, strict=True))
    )
    connection.executemany("INSERT INTO tags VALUES(1, 'tenth', ?)", ((r,) for r in rids if r % 10 == 0))


def timed(run: Callable[[int], object], times: int) -> dict[str, float]:
    """Median and 95th percentile of `times` runs, and the median of their processor time (which other work on the
    machine disturbs less), in ms, after 5 runs that do not count."""
    taken, worked = [], []
    for number in range(-5, times):
        start, work = time.perf_counter(), time.process_time()
        run(number % times)
        if number >= 0:
            taken.append((time.perf_counter() - start) * 1e3)
            worked.append((time.process_time() - work) * 1e3)
    return {
        "p50_ms": float(np.percentile(taken, 50)),
        "p95_ms": float(np.percentile(taken, 95)),
        "cpu_ms": float(np.median(worked)),
    }


def recall(connection: apsw.Connection, searcher: Searcher, queries: NDArray[np.float32]) -> float:
    """Share of the true ten nearest that a search over everything gives."""
    found = 0
    for query in queries:
        best = {f"m{rid}" for rid in scan(connection, (ALL_RIDS,), query).best(10).rids.tolist()}
        hits = searcher.search(connection, EVERYWHERE, StoreQuery(mode=Mode.SEMANTIC, vector=query)).hits
        found += len(best & {hit.memory.id for hit in hits})
    return found / (10 * len(queries))


def cases() -> list[tuple[str, Scope, Filter]]:
    """What is searched, from everything down to one user."""
    small, large = (Scope(frozenset(["bench"]), frozenset([user])) for user in ("small", "large"))
    return [
        ("everything", EVERYWHERE, EVERYTHING),
        ("user of 500", small, EVERYTHING),
        ("user of 10,000", large, EVERYTHING),
        ("a tenth by topic", EVERYWHERE, Filter((only(TagField.TOPICS, "tenth"),))),
    ]


def measure(connection: apsw.Connection, data: Data, searches: int, recalls: int) -> dict[str, object]:
    """Print the figures of a filled store, and give them by name."""
    searcher = Searcher(SearchSettings(dimensions=data.dimensions))
    queries = data.queries(searches)
    ranks = np.random.default_rng(3).integers(40, 4_000, (searches, 3))
    terms = [tuple(Term((str(word),)) for word in data.words[row]) for row in ranks]
    start = time.perf_counter()
    searcher.search(connection, EVERYWHERE, StoreQuery(mode=Mode.SEMANTIC, vector=queries[0]))
    figures: dict[str, object] = {"first_ms": (time.perf_counter() - start) * 1e3}
    print(f"first search over everything {figures['first_ms']:8.1f} ms")
    for name, scope, filter_ in cases():
        for mode in Mode:

            def run(number: int, mode: Mode = mode, scope: Scope = scope, filter_: Filter = filter_) -> object:
                vector = None if mode is Mode.KEYWORD else queries[number]
                words = () if mode is Mode.SEMANTIC else terms[number]
                query = StoreQuery(mode=mode, vector=vector, terms=words, filter=filter_)
                return searcher.search(connection, scope, query)

            found = timed(run, searches)
            figures[f"{name}, {mode.value}"] = found
            times = "   ".join(f"{figure[:3]} {value:8.3f} ms" for figure, value in found.items())
            print(f"{name:18} {mode.value:9} {times}")
    figures["recall_at_10"] = recall(connection, searcher, queries[:recalls])
    print(f"recall@10 {figures['recall_at_10']:.4f} over {recalls} queries")
    return figures


async def _create(folder: DataFolder) -> None:
    database = await Database.open(folder)
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--data", choices=("clustered", "uniform"), default="clustered")
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="keep the store here, and use it when it is there")
    parser.add_argument("--recalls", type=int, default=50, help="queries that are compared with an exact scan")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = DataFolder(path=arguments.folder or Path(temporary), dimensions=arguments.dimensions)
        data = Data(arguments.rows, arguments.dimensions, arguments.data)
        there = folder.file.exists()
        asyncio.run(_create(folder))
        if not there:
            connection = open_writer(folder.file, dimensions=arguments.dimensions, durability="normal")
            start = time.perf_counter()
            fill(connection, data)
            connection.close()
            print(f"filled {arguments.rows} rows in {time.perf_counter() - start:.1f} s")
        figures = measure(
            open_reader(folder.file), data, arguments.searches, min(arguments.recalls, arguments.searches)
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(vars(arguments) | figures, indent=2, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Making everything that is derived from records anew: tags, words, word index, sketches, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import TypeVar

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.filter_sql import TAG_KINDS
from agent_memory_server.adapters.sqlite.model import store_model, store_words_version
from agent_memory_server.adapters.sqlite.record_change import next_seq
from agent_memory_server.adapters.sqlite.rows import strings
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.adapters.sqlite.vectors import sketch_blob
from agent_memory_server.domain.filters import TagField
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.domain.words import word_codes, words

T = TypeVar("T")
BATCH = 500
"""Records in one transaction: a tenth of a second for those who wait to write."""


_TOPICS, _ENTITIES = TAG_KINDS[TagField.TOPICS], TAG_KINDS[TagField.ENTITIES]


@dataclass(frozen=True, slots=True)
class Progress:
    """Records done, of all there were at the start."""

    done: int
    total: int


def _in_transaction(connection: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _reload_caches(connection: apsw.Connection) -> None:
    """Make every process load its caches anew before its next search."""
    connection.execute(queries("records")["pruned_to"], (next_seq(connection),))


def _mend_index(connection: apsw.Connection) -> None:
    """A damaged word index is emptied; a sound one is replaced row by row and stays of use meanwhile. Looking takes
    no lock, so it may take its time."""
    sql = queries("rebuild")
    if fetch(connection, sql["check_index"]) != [("ok",)]:
        _in_transaction(connection, methodcaller("execute", sql["empty_index"]))


def _drop_orphans(connection: apsw.Connection) -> None:
    """Delete derived rows whose record is gone. They are looked for before the write lock is taken, and checked again
    under it."""
    sql = queries("rebuild")
    for table in ("words", "index", "vectors", "sketches", "tags"):
        orphans = fetch(connection, sql[f"find_{table}"])
        if orphans:
            _in_transaction(connection, methodcaller("executemany", sql[f"drop_{table}"], orphans))


def _rebuild_words(connection: apsw.Connection, rid: int, text: str) -> None:
    sql = queries("records")
    found = words(text)
    connection.execute(sql["put_words"], (rid, word_codes(found).astype("<u4", copy=False).tobytes()))
    connection.execute(sql["put_index"], (rid, " ".join(found)))


def _rebuild_batch(connection: apsw.Connection, after: int, newest: int) -> tuple[int, int]:
    """Rebuild the next records behind row id `after`: how many, and the last row id.

    newest: number of the last change to look at; what later changes wrote is right already.
    """
    sql, put = queries("rebuild"), queries("records")
    rows = fetch(connection, sql["batch"], (after, newest, BATCH))
    if not rows:
        return 0, after
    last = rows[-1][0]
    for rid, text, topics, entities, vector in rows:
        _rebuild_words(connection, rid, text)
        tags = [(_TOPICS, tag, rid) for tag in strings(topics)] + [(_ENTITIES, tag, rid) for tag in strings(entities)]
        if tags:
            connection.executemany(put["put_tag"], tags)
        if vector is not None:
            sketch = sketch_blob(np.frombuffer(vector, dtype="<f4"))
            connection.execute(put["put_sketch"], (rid, sketch))
    connection.execute(sql["embedded"], (after, last))
    return len(rows), last


def rebuild_figures(connection: apsw.Connection) -> None:
    """Count records and words of scopes, blocks and the store anew. Inside a write transaction."""
    sql = queries("rebuild")
    for name in ("scope_figures", "block_figures", "record_total", "word_total"):
        connection.execute(sql[name])


def _finish(connection: apsw.Connection) -> None:
    rebuild_figures(connection)
    store_words_version(connection)
    _reload_caches(connection)


def rebuild(connection: apsw.Connection) -> Iterator[Progress]:
    """Rebuild everything from `memories` and `vecs`, in short transactions of its own; others read and write meanwhile.

    connection: one that may write, outside a transaction. Stopping half-way harms nothing: run it again.
    """
    ((total,),) = fetch(connection, queries("rebuild")["total"])
    newest = _in_transaction(connection, next_seq)
    _mend_index(connection)
    _drop_orphans(connection)
    done, after, found = 0, -1, 1
    while found:
        yield Progress(done, max(done, total))
        found, after = _in_transaction(connection, partial(_rebuild_batch, after=after, newest=newest))
        done += found
    _in_transaction(connection, _finish)


def forget_vectors(connection: apsw.Connection, model: str, dimensions: int) -> int:
    """Drop all vectors, so that every record's embedding is owed to another model; how many records owe one now.

    Inside a write transaction: nobody ever sees vectors of two models. Word search works throughout.
    """
    sql = queries("rebuild")
    for name in ("forget_vectors", "forget_sketches", "owe_vectors"):
        connection.execute(sql[name])
    store_model(connection, StoredModel(model, dimensions))
    _reload_caches(connection)
    ((owed,),) = fetch(connection, sql["total"])
    return int(owed)

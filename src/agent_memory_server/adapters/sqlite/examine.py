"""Look a data folder over without changing it: the place, the file, what is in it."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from agent_memory_server.adapters.sqlite.check import check_recall
from agent_memory_server.adapters.sqlite.connection import open_reader
from agent_memory_server.adapters.sqlite.database import DataFolder
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.adapters.sqlite.guard import check_filesystem, check_sqlite_version
from agent_memory_server.adapters.sqlite.jobs import figures_of, pulse_of
from agent_memory_server.adapters.sqlite.migrate import migrations, schema_version
from agent_memory_server.adapters.sqlite.model import stored_model
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.domain.errors import MemoryServerError, StartRefused
from agent_memory_server.domain.finding import Finding, State
from agent_memory_server.domain.work import work_finding

_GIB = 1024**3
_LEAST_FREE = _GIB // 10
_SCARCE_FREE = _GIB
_FAULTS_SHOWN = 3
_COMPARISONS = 2_000_000
"""Of vectors, in the check of recall: about four seconds."""
_FEWEST_SAMPLES, _MOST_SAMPLES = 5, 50
_GOOD_RECALL = 0.95


def examine(folder: DataFolder) -> Iterator[Finding]:
    """What there is to say about a data folder, one finding at a time. Creates and changes nothing."""
    yield _sqlite()
    if not folder.path.is_dir():
        detail = f"{folder.path} does not exist yet; the first start makes it"
        yield Finding("data folder", State.WARNING, detail)
        return
    yield _access(folder.path)
    yield _filesystem(folder.path)
    yield _space(folder.path)
    if not folder.file.exists():
        yield Finding("database", State.WARNING, f"{folder.file} does not exist yet; the first start makes it")
        return
    try:
        with translating():
            connection = open_reader(folder.file)
            try:
                yield from _database(connection)
            finally:
                connection.close()
    except MemoryServerError as exc:
        yield Finding("database", State.FAILED, str(exc))


def _sqlite() -> Finding:
    try:
        check_sqlite_version()
    except StartRefused as exc:
        return Finding("sqlite", State.FAILED, str(exc))
    return Finding("sqlite", State.OK, f"SQLite {apsw.sqlite_lib_version()}")


def _access(path: Path) -> Finding:
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding("data folder", State.FAILED, f"{path} cannot be read and written by this account")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        detail = f"{path} is open to other accounts of this machine; `chmod 700` closes it"
        return Finding("data folder", State.WARNING, detail)
    return Finding("data folder", State.OK, str(path))


def _filesystem(path: Path) -> Finding:
    try:
        check_filesystem(path)
    except StartRefused as exc:
        return Finding("filesystem", State.FAILED, str(exc))
    return Finding("filesystem", State.OK, "local")


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    detail = f"{free / _GIB:.1f} GiB free"
    if free < _LEAST_FREE:
        return Finding("disk space", State.FAILED, f"{detail}: writes will fail soon")
    return Finding("disk space", State.WARNING if free < _SCARCE_FREE else State.OK, detail)


def _database(connection: apsw.Connection) -> Iterator[Finding]:
    newest, found = migrations()[-1].number, schema_version(connection)
    if found != newest:
        remedy = "upgrade this server" if found > newest else "the next start migrates it"
        state = State.FAILED if found > newest else State.WARNING
        yield Finding("schema", state, f"version {found}, this server knows {newest}; {remedy}")
        return
    yield Finding("schema", State.OK, f"version {found}")
    yield _integrity(connection)
    yield from _content(connection)


def _integrity(connection: apsw.Connection) -> Finding:
    faults = [str(row[0]) for row in fetch(connection, f"PRAGMA quick_check({_FAULTS_SHOWN})")]
    if faults == ["ok"]:
        return Finding("integrity", State.OK, "the file is sound")
    detail = f"{'; '.join(faults)}; `agent-memory rebuild-index` repairs the word index, a backup everything else"
    return Finding("integrity", State.FAILED, detail)


def _content(connection: apsw.Connection) -> Iterator[Finding]:
    model = stored_model(connection)
    if model is not None:
        yield Finding("stored vectors", State.OK, f"{model.model}, {model.dimensions} dimensions")
    counts = fetch_row(connection, queries("examine")["counts"])
    if counts is None:
        return
    memories, owed, sessions, messages, tokens = counts
    if memories > owed:
        yield _recall(connection, memories - owed)
    yield Finding("content", State.OK, f"{memories} memories, {sessions} sessions with {messages} messages")
    if owed:
        detail = f"{owed} memories are not embedded yet and are found by words only; a running server embeds them"
        yield Finding("owed embeddings", State.WARNING, detail)
    else:
        yield Finding("owed embeddings", State.OK, "none")
    yield Finding("tokens", State.OK, str(tokens))
    yield _jobs(connection)


def _jobs(connection: apsw.Connection) -> Finding:
    figures, pulse = figures_of(connection), pulse_of(connection, time.time())
    # A folder that no process serves at the moment is nothing to warn of.
    late_s = time.time() - pulse.oldest_due if pulse.workers and pulse.oldest_due else 0.0
    return work_finding(
        waiting=figures.waiting, running=figures.running, dead=figures.dead, workers=pulse.workers, late_s=late_s
    )


def _recall(connection: apsw.Connection, vectors: int) -> Finding:
    samples = max(_FEWEST_SAMPLES, min(_MOST_SAMPLES, _COMPARISONS // vectors))
    found = check_recall(connection, samples=samples)
    detail = f"the search finds {found.recall:.1%} of the true ten nearest ({found.samples} samples)"
    if found.recall < _GOOD_RECALL:
        return Finding("recall", State.WARNING, f"{detail}; `agent-memory rebuild-index` makes its sketches again")
    return Finding("recall", State.OK, detail)

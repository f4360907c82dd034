"""`agent-memory export`: everything that is stored, as lines of JSON in one file."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from agent_memory_server import __version__
from agent_memory_server.cli.progress import bar
from agent_memory_server.cli.run import with_application
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.convert.transfer import (
    FORMAT,
    Checkpoint,
    Embedding,
    End,
    Header,
    Line,
    SessionLine,
    TokenLine,
    decoded,
    encoded,
    record_line,
    session_line,
)
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.transfer import (
    carried_records,
    carried_sessions,
    count_records,
    count_sessions,
)

_SESSIONS_PER_CHECKPOINT = 100
_SESSION = b'{"kind":"session"'


@dataclass(frozen=True, slots=True)
class Begun:
    """What a file holds up to its last checkpoint. end: the bytes that count; what is behind them is written again."""

    header: Header
    checkpoint: Checkpoint
    sessions: frozenset[SessionKey]
    end: int


@click.command("export", short_help="Write everything to a file.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--embeddings",
    type=click.Choice(["include", "recompute"]),
    default="include",
    show_default=True,
    help="Write the embeddings too, or leave them to be computed again.",
)
@click.option("--tokens", is_flag=True, help="Also write access tokens: hashes and grants, never a secret.")
@click.option("--resume", is_flag=True, help="Go on with a file whose export was cut off.")
def export(path: Path, embeddings: str, tokens: bool, resume: bool) -> None:
    """Write memories with their history, and sessions, to FILE: one JSON object in each line.

    A server may go on meanwhile. The file holds all texts in plain form; only its owner may read it.
    """

    async def work(app: Application) -> End:
        begun = _begun(path) if resume else None
        with _opened(path, begun) as file:
            if begun is None:
                begun = await _begin(app, file, vectors=embeddings == "include", tokens=tokens)
            _require_same_model(app, begun.header)
            try:
                return await _write(app, file, begun)
            except OSError as exc:
                raise Unavailable(f"{path} cannot be written: {exc.strerror}; --resume goes on with it") from exc

    done = with_application(work)
    click.echo(
        f"Exported {done.records} memories, their earlier versions included, and {done.sessions} sessions to {path}."
    )


def _opened(path: Path, begun: Begun | None) -> BinaryIO:
    try:
        if begun is None:
            return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        file = path.open("r+b")
        file.truncate(begun.end)
        file.seek(begun.end)
    except FileExistsError as exc:
        raise InvalidRequest(f"{path} is there already; name another file, or go on with it by --resume") from exc
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be written: {exc.strerror}") from exc
    return file


def _begun(path: Path) -> Begun:
    """What a cut-off file holds. Raises: InvalidRequest, when there is nothing to go on with."""
    header: Header | None = None
    found: Begun | None = None
    sessions: set[SessionKey] = set()
    end = 0
    try:
        with path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                end += len(raw)
                line = _marking(raw, first=header is None)
                match line:
                    case Header():
                        header = line
                    case SessionLine():
                        sessions.add(line.session.key)
                    case Checkpoint() if header is not None:
                        found = Begun(header, line, frozenset(sessions), end)
                    case End():
                        raise InvalidRequest(f"{path} is complete; there is nothing to resume")
                    case _:
                        pass
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}") from exc
    if found is None:
        raise InvalidRequest(f"{path} is no export that can be resumed; delete it and export again")
    return found


def _marking(raw: bytes, *, first: bool) -> Line | None:
    """The line where it tells how far the export had come; None for the others, and where it is damaged."""
    if first or raw.startswith((_SESSION, b'{"kind":"checkpoint"', b'{"kind":"end"')):
        with suppress(InvalidRequest):
            return decoded(raw)
    return None


async def _begin(app: Application, file: BinaryIO, *, vectors: bool, tokens: bool) -> Begun:
    records = await count_records(app)
    model = Embedding(model=app.embedder.model, dimensions=app.embedder.dimensions)
    header = Header(
        format=FORMAT,
        version=__version__,
        engine=(await app.memories.stats()).engine,
        exported_at=app.clock(),
        embedding=model if vectors and records else None,
        records=records,
        sessions=await count_sessions(app),
    )
    file.write(encoded(header))
    if tokens:
        for token in await app.tokens.list():
            file.write(encoded(TokenLine(token=token)))
    checkpoint = Checkpoint(cursor=None, records_done=False, records=0, sessions=0)
    file.write(encoded(checkpoint))
    return Begun(header, checkpoint, frozenset(), file.tell())


def _require_same_model(app: Application, header: Header) -> None:
    now = Embedding(model=app.embedder.model, dimensions=app.embedder.dimensions)
    if header.embedding is not None and header.embedding != now:
        raise InvalidRequest(f"the file holds vectors of {header.embedding.model}, the store those of {now.model}")


async def _write(app: Application, file: BinaryIO, begun: Begun) -> End:
    records, sessions = begun.checkpoint.records, begun.checkpoint.sessions
    if not begun.checkpoint.records_done:
        with bar("Memories") as shown:
            pages = carried_records(app, cursor=begun.checkpoint.cursor, vectors=begun.header.embedding is not None)
            async for page in pages:
                file.writelines(encoded(record_line(write)) for write in page.records)
                records += len(page.records)
                _mark(file, Checkpoint(
                    cursor=page.cursor, records_done=page.cursor is None, records=records, sessions=sessions
                ))  # fmt: skip
                shown.show(records, page.total)
    with bar("Sessions") as shown:
        total = await count_sessions(app)
        async for session in carried_sessions(app, but=begun.sessions):
            file.write(encoded(session_line(session)))
            sessions += 1
            if sessions % _SESSIONS_PER_CHECKPOINT == 0:
                _mark(file, Checkpoint(cursor=None, records_done=True, records=records, sessions=sessions))
            shown.show(sessions, max(total, sessions))
    end = End(records=records, sessions=sessions)
    file.write(encoded(end))
    file.flush()
    os.fsync(file.fileno())
    return end


def _mark(file: BinaryIO, checkpoint: Checkpoint) -> None:
    """All before is handed to the operating system before the mark counts for anything."""
    file.write(encoded(checkpoint))
    file.flush()

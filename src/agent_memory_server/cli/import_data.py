"""`agent-memory import`: everything of a file that `agent-memory export` wrote."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from agent_memory_server.cli.progress import bar
from agent_memory_server.cli.run import with_application
from agent_memory_server.cli.start import FAILED
from agent_memory_server.domain.errors import Conflict, InvalidRequest, Unavailable
from agent_memory_server.interfaces.convert.transfer import (
    FORMAT,
    Checkpoint,
    Embedding,
    End,
    Header,
    Line,
    RecordLine,
    SessionLine,
    TokenLine,
    decoded,
    record_write,
    session_of,
)
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.transfer import PAGE, take_records, take_session, take_token
from agent_memory_server.operations.upkeep import embed_owed
from agent_memory_server.ports.memory_store import MemoryWrite


@dataclass(slots=True)
class Tally:
    """What became of the lines of a file."""

    records: int = 0
    sessions: int = 0
    tokens: int = 0
    there: int = 0
    different: int = 0
    bad: int = 0
    whole: bool = False
    """the last line is the end of the export"""
    _waiting: list[MemoryWrite] = field(default_factory=list)

    async def take(self, app: Application, line: Line, *, dimensions: int | None) -> None:
        """Take in what a line holds. Raises: InvalidRequest, Conflict: the line is wrong."""
        match line:
            case RecordLine():
                self._waiting.append(record_write(line, dimensions=dimensions))
                if len(self._waiting) >= PAGE:
                    await self.flush(app)
            case SessionLine():
                stored = await take_session(app, session_of(line))
                self.sessions += stored
                self.there += not stored
            case TokenLine(token=token):
                stored = await take_token(app, token)
                self.tokens += stored
                self.there += not stored
            case End():
                self.whole = True
            case Checkpoint():
                pass
            case Header():
                raise InvalidRequest("line: a second header")

    async def flush(self, app: Application) -> None:
        """Store the records that wait, in one step."""
        writes, self._waiting = self._waiting, []
        if writes:
            taken = await take_records(app, writes)
            self.records += taken.stored
            self.there += taken.there
            self.different += taken.different


@click.command("import", short_help="Take in everything of such a file.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--embeddings",
    type=click.Choice(["include", "recompute"]),
    default="include",
    show_default=True,
    help="Take the embeddings of the file where the model is the same, or compute all of them again.",
)
def import_(path: Path, embeddings: str) -> None:
    """Take in FILE, which `agent-memory export` wrote. What is there already stays as it is.

    A server may go on meanwhile. After an import that was cut off, run it again. Lines that are wrong are named, and
    leave all others alone; the exit status is 1 then.
    """

    async def work(app: Application) -> Tally:
        tally = await _read(app, path, vectors=embeddings == "include")
        await _embed(app)
        return tally

    tally = with_application(work, embedding=True)
    click.echo(f"Imported {tally.records} memories, {tally.sessions} sessions and {tally.tokens} tokens.")
    if tally.there:
        click.echo(f"There already: {tally.there}.")
    if tally.different:
        click.echo(f"There already with other content, and left alone: {tally.different} memories.", err=True)
    if not tally.whole:
        click.echo("Error: the file ends before the end of its export; what it holds was taken in.", err=True)
    if tally.bad:
        click.echo(f"Error: {tally.bad} lines are wrong and were left out.", err=True)
    if tally.bad or not tally.whole:
        sys.exit(FAILED)


async def _read(app: Application, path: Path, *, vectors: bool) -> Tally:
    tally = Tally()
    with path.open("rb") as file, bar("Bytes") as shown:
        size = os.fstat(file.fileno()).st_size
        raw = file.readline()
        dimensions = _dimensions(app, _header(raw), vectors=vectors)
        done = len(raw)
        for number, raw in enumerate(file, start=2):
            try:
                await tally.take(app, decoded(raw), dimensions=dimensions)
            except (InvalidRequest, Conflict) as exc:
                click.echo(f"Line {number}: {exc}", err=True)
                tally.bad += 1
            done += len(raw)
            shown.show(done, size)
        await tally.flush(app)
    return tally


def _header(raw: bytes) -> Header:
    """The first line. Raises: InvalidRequest, when the file is no export that this version reads."""
    try:
        header = decoded(raw)
    except InvalidRequest as exc:
        raise InvalidRequest(f"line 1 is not the header of an export ({exc}); nothing was imported") from exc
    if not isinstance(header, Header):
        raise InvalidRequest("line 1 is not the header of an export; nothing was imported")
    if not 1 <= header.format <= FORMAT:
        raise InvalidRequest(f"the file has format {header.format}, this version reads {FORMAT}; nothing was imported")
    return header


def _dimensions(app: Application, header: Header, *, vectors: bool) -> int | None:
    """Of the vectors that are taken from the file; None when all are to be computed again, which the user is told."""
    ours = Embedding(model=app.embedder.model, dimensions=app.embedder.dimensions)
    if not vectors or header.embedding is None:
        return None
    if header.embedding != ours:
        theirs = header.embedding
        click.echo(
            f"The file holds embeddings of {theirs.model} ({theirs.dimensions} dimensions), this store uses "
            f"{ours.model} ({ours.dimensions}): they are computed again.",
            err=True,
        )
        return None
    return ours.dimensions


async def _embed(app: Application) -> None:
    """Embed what is owed. A model that does not answer fails nothing: a server on the store goes on with it."""
    first = (await app.memories.stats()).unembedded
    with bar("Embeddings") as shown:
        try:
            while await embed_owed(app):
                owed = (await app.memories.stats()).unembedded
                shown.show(max(first - owed, 0), first)
        except Unavailable as exc:
            click.echo(f"Embeddings are still owed ({exc}); a server on this store computes them.", err=True)

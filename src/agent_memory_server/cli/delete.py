"""`agent-memory delete`: memories by id or blank text, and sessions."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from agent_memory_server.cli.delete_invalid import delete_invalid
from agent_memory_server.cli.run import with_application
from agent_memory_server.cli.start import FAILED
from agent_memory_server.domain.filters import Condition, Filter, TextField, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.operations import forget
from agent_memory_server.operations.application import Application

_PAGE = 1000
_FORCE = click.option("-f", "--force", is_flag=True, help="Do not ask.")
_NAMESPACE = click.option("-n", "--namespace", help="Only in this namespace.")
_USER = click.option("-u", "--user-id", help="Only of this user.")


@click.group(short_help="Delete memories or a session.")
def delete() -> None:
    """Delete memories or a session. What is deleted cannot be brought back."""


@delete.command()
@click.argument("ids", nargs=-1)
@click.option("--empty-text", is_flag=True, help="Memories whose text is blank.")
@click.option("--invalid", is_flag=True, help="On Redis: records without a text or an id.")
@_NAMESPACE
@_USER
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@_FORCE
def memory(
    ids: tuple[str, ...],
    empty_text: bool,
    invalid: bool,
    namespace: str | None,
    user_id: str | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Delete memories by IDS, those with blank text, or what is no whole memory. Exit status 1 when there are none."""
    if not (ids or empty_text or invalid):
        raise click.UsageError("name ids, or use --empty-text or --invalid")
    if invalid:
        delete_invalid(dry_run=dry_run, force=force)
    if ids or empty_text:
        _delete_memories(ids, empty_text, namespace, user_id, dry_run=dry_run, force=force)


def _delete_memories(
    ids: tuple[str, ...], empty_text: bool, namespace: str | None, user_id: str | None, *, dry_run: bool, force: bool
) -> None:

    async def find(app: Application) -> list[Memory]:
        found = list(await app.memories.get(_scope(namespace, user_id), ids)) if ids else []
        return found + (await _with_blank_text(app, namespace, user_id) if empty_text else [])

    found = list({entry.id: entry for entry in with_application(find)}.values())
    for missing in sorted({*ids} - {entry.id for entry in found}):
        click.echo(f"No memory {missing!r}.", err=True)
    if not found:
        sys.exit(FAILED)
    for entry in found:
        click.echo(f"{entry.id}  {_shortened(entry.text)}")
    if dry_run:
        click.echo(f"Would delete {len(found)}.")
        return
    if not force:
        click.confirm(f"Delete {len(found)}?", abort=True)

    async def drop(app: Application) -> int:
        return await forget.delete(app, LOCAL, [entry.id for entry in found])

    click.echo(f"Deleted {with_application(drop)}.")


@delete.command()
@click.argument("session_id")
@_NAMESPACE
@_USER
@_FORCE
def session(session_id: str, namespace: str | None, user_id: str | None, force: bool) -> None:
    """Delete a session and its messages; memories made from it stay. Exit status 1 when there is none."""

    async def find(app: Application) -> Sequence[SessionKey]:
        now = app.clock()
        return await app.sessions.find(LOCAL.scope, session_id, namespace=namespace, user_id=user_id, now=now)

    found = with_application(find)
    if not found:
        click.echo(f"No session {session_id!r}.", err=True)
        sys.exit(FAILED)
    if len(found) > 1:
        click.echo(f"Several sessions are called {session_id!r}: name --namespace and --user-id.", err=True)
        sys.exit(FAILED)
    key = found[0]
    if not force:
        click.confirm(f"Delete session {session_id!r} (namespace {key.namespace!r}, user {key.user_id!r})?", abort=True)

    async def drop(app: Application) -> bool:
        return await app.sessions.delete(LOCAL.scope, key, now=app.clock())

    click.echo("Deleted." if with_application(drop) else "It was deleted meanwhile.")


def _scope(namespace: str | None, user_id: str | None) -> Scope:
    """Ids are looked up inside what the options name."""
    return Scope(
        None if namespace is None else frozenset({namespace}), None if user_id is None else frozenset({user_id})
    )


async def _with_blank_text(app: Application, namespace: str | None, user_id: str | None) -> list[Memory]:
    conditions: list[Condition] = []
    if namespace is not None:
        conditions.append(only(TextField.NAMESPACE, namespace))
    if user_id is not None:
        conditions.append(only(TextField.USER_ID, user_id))
    blank: list[Memory] = []
    cursor: str | None = None
    while True:
        page = await app.memories.list(
            LOCAL.scope, Filter(tuple(conditions)), order=Order.STORED, limit=_PAGE, cursor=cursor
        )
        blank += [entry for entry in page.memories if not entry.text.strip()]
        cursor = page.cursor
        if cursor is None:
            return blank


def _shortened(text: str, *, longest: int = 70) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"

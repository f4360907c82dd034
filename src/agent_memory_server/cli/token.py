"""`agent-memory token`: access tokens of the data folder. A running server honours a change at its next request."""

from __future__ import annotations

import click

from agent_memory_server.cli.output import FORMAT, echo_json, isoformat
from agent_memory_server.cli.run import with_application
from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.token import Token
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import NewToken, add_token, find_token


@click.group(short_help="Add, list, show and remove access tokens.")
def token() -> None:
    """Add, list, show and remove access tokens. Only their hashes are stored."""


def _actions(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[Action]:
    try:
        return frozenset(Action(part.strip().lower()) for part in value.split(",") if part.strip())
    except ValueError as exc:
        raise click.BadParameter("choose among read, write, admin, with commas between") from exc


@token.command()
@click.option("-d", "--description", required=True, help="What the token is for.")
@click.option("-e", "--expires-days", type=click.FloatRange(0, min_open=True), help="Days until it expires.")
@click.option("--namespace", "namespaces", multiple=True, help="Grant only this namespace; repeatable.")
@click.option("--user", "users", multiple=True, help="Grant only this user; repeatable.")
@click.option(
    "--can",
    "actions",
    default="read,write,admin",
    show_default=True,
    callback=_actions,
    help="What it may do, with commas between.",
)
@click.option("--token", "secret", help="Use this value, 16 characters or more, instead of a random one.")
@FORMAT
def add(
    description: str,
    expires_days: float | None,
    namespaces: tuple[str, ...],
    users: tuple[str, ...],
    actions: frozenset[Action],
    secret: str | None,
    form: str,
) -> None:
    """Make a token and print it once."""
    scope = Scope(frozenset(namespaces) or None, frozenset(users) or None)

    async def work(app: Application) -> NewToken:
        return await add_token(
            app, description=description, expires_days=expires_days, scope=scope, actions=actions, secret=secret
        )

    made = with_application(work)
    if form == "json":
        echo_json({"token": made.secret} | _as_data(made.token) | {"hash": made.token.digest})
        return
    click.echo(f"Token (shown only now): {made.secret}")
    _print(made.token)


@token.command("list")
@FORMAT
def list_(form: str) -> None:
    """List all tokens, oldest first."""

    async def work(app: Application) -> list[tuple[Token, str]]:
        now = app.clock()
        return [(entry, _status(entry, now, forever="Never Expires")) for entry in await app.tokens.list()]

    found = with_application(work)
    if form == "json":
        echo_json([{"hash": entry.digest} | _as_data(entry) | {"status": status} for entry, status in found])
        return
    if not found:
        click.echo("No tokens.")
    for entry, status in found:
        click.echo(f"{_masked(entry.digest)}  {status:<13}  {_grants(entry)}  {entry.description}")


@token.command()
@click.argument("hash_", metavar="HASH")
@FORMAT
def show(hash_: str, form: str) -> None:
    """Show the token whose hash is, or begins with, HASH."""

    async def work(app: Application) -> tuple[Token, str]:
        entry = await find_token(app, hash_)
        return entry, _status(entry, app.clock(), forever="Active")

    entry, status = with_application(work, errors_as_json=form == "json")
    if form == "json":
        echo_json({"hash": entry.digest} | _as_data(entry) | {"status": status})
        return
    _print(entry)
    click.echo(f"Status:      {status}")


@token.command()
@click.argument("hash_", metavar="HASH")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
def remove(hash_: str, force: bool) -> None:
    """Remove the token whose hash is, or begins with, HASH. Requests with it are refused from then on."""

    async def find(app: Application) -> Token:
        return await find_token(app, hash_)

    entry = with_application(find)
    if not force:
        _print(entry)
        click.confirm("Remove this token?", abort=True)

    async def drop(app: Application) -> bool:
        return await app.tokens.remove(entry.digest)

    click.echo("Removed." if with_application(drop) else "It was removed meanwhile.")


def _status(entry: Token, now: float, *, forever: str) -> str:
    if entry.expired(now):
        return "EXPIRED"
    return forever if entry.expires_at is None else "Active"


def _as_data(entry: Token) -> dict[str, object]:
    return {
        "description": entry.description,
        "created_at": isoformat(entry.created_at),
        "expires_at": isoformat(entry.expires_at),
        "namespaces": _listed(entry.scope.namespaces),
        "users": _listed(entry.scope.users),
        "actions": [action.value for action in Action if action in entry.actions],
    }


def _listed(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _grants(entry: Token) -> str:
    parts = [",".join(action.value for action in Action if action in entry.actions)]
    for name, values in (("namespace", entry.scope.namespaces), ("user", entry.scope.users)):
        if values is not None:
            parts.append(f"{name} {', '.join(map(repr, sorted(values)))}")
    return " · ".join(parts)


def _masked(digest: str) -> str:
    return f"{digest[:8]}…{digest[-8:]}"


def _print(entry: Token) -> None:
    click.echo(f"Hash:        {entry.digest}")
    click.echo(f"Description: {entry.description}")
    click.echo(f"Created:     {isoformat(entry.created_at)}")
    click.echo(f"Expires:     {isoformat(entry.expires_at) or 'never'}")
    click.echo(f"Grants:      {_grants(entry)}")

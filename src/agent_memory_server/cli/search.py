"""`agent-memory search`: search or list memories in the data folder, beside a running server."""

from __future__ import annotations

import click

from agent_memory_server.cli.output import FORMAT, echo_json, isoformat
from agent_memory_server.cli.run import with_application
from agent_memory_server.domain.filters import Condition, Filter, TagField, TextField, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import DEFAULT_ALPHA, Hit, Mode
from agent_memory_server.operations import search as operation

_MODES = [mode.value for mode in Mode]


def _words(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


@click.command(short_help="Search or list memories.")
@click.argument("query", default="")
@click.option("-n", "--namespace", help="Only this namespace.")
@click.option("-s", "--session-id", help="Only this session.")
@click.option("-u", "--user-id", help="Only this user.")
@click.option("-t", "--topics", callback=_words, help="Any of these topics, with commas between.")
@click.option("-e", "--entities", callback=_words, help="Any of these entities, with commas between.")
@click.option("-l", "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most results.")
@click.option("-o", "--offset", type=click.IntRange(0), default=0, show_default=True, help="Results to skip.")
@click.option("--search-mode", type=click.Choice(_MODES), default="semantic", show_default=True, help="How to rank.")
@click.option(
    "--hybrid-alpha", type=click.FloatRange(0, 1), default=DEFAULT_ALPHA, show_default=True, help="Share of meaning."
)
@click.option(
    "--text-scorer", expose_value=False, help="Accepted for scripts of the reference server; the engine has one scorer."
)
@click.option("-d", "--distance-threshold", type=click.FloatRange(0, 2), help="Only closer ones (semantic mode).")
@FORMAT
def search(
    query: str,
    search_mode: str,
    hybrid_alpha: float,
    distance_threshold: float | None,
    form: str,
    limit: int,
    offset: int,
    **filters: str | tuple[str, ...] | None,
) -> None:
    """Search memories, best first; without QUERY list them, newest first."""
    mode = Mode(search_mode)
    question = operation.Question(
        text=query,
        mode=mode,
        filter=_filter(**filters),
        alpha=hybrid_alpha,
        within=distance_threshold,
        limit=limit,
        offset=offset,
        recency=None,
    )
    found = with_application(
        lambda app: operation.search(app, LOCAL, question),
        embedding=bool(query.strip()) and mode is not Mode.KEYWORD,
    )
    for reason in found.degraded:
        click.echo(f"Note: {reason}.", err=True)
    if form == "json":
        memories = [_as_data(hit) for hit in found.hits]
        echo_json({"memories": memories, "total": found.total, "next_offset": found.next_offset})
        return
    for hit in found.hits:
        click.echo(_as_text(hit))
    shown = f"{offset + 1}-{offset + len(found.hits)}" if found.hits else "none"
    click.echo(f"Shown: {shown} of {found.total}.")


def _filter(**values: str | tuple[str, ...] | None) -> Filter:
    conditions: list[Condition] = []
    for name, value in values.items():
        field = TagField(name) if name in ("topics", "entities") else TextField(name)
        if isinstance(value, tuple):
            conditions += [only(field, *value)] if value else []
        elif value is not None:
            conditions.append(only(field, value))
    return Filter(tuple(conditions))


def _as_data(hit: Hit) -> dict[str, object]:
    memory = hit.memory
    return {
        "id": memory.id,
        "text": memory.text,
        "dist": hit.dist,
        "score": hit.score,
        "memory_type": memory.memory_type.value,
        "namespace": memory.namespace or None,
        "user_id": memory.user_id or None,
        "session_id": memory.session_id or None,
        "topics": list(memory.topics),
        "entities": list(memory.entities),
        "created_at": isoformat(memory.created_at),
        "updated_at": isoformat(memory.updated_at),
        "last_accessed": isoformat(memory.last_accessed),
        "event_date": isoformat(memory.event_date),
        "pinned": memory.pinned,
    }


def _as_text(hit: Hit) -> str:
    memory = hit.memory
    score = f"{hit.score:.3f}  " if hit.score is not None else ""
    return f"{score}{memory.text}\n       {_place(memory)}"


def _place(memory: Memory) -> str:
    parts = [f"id {memory.id}", memory.memory_type.value, f"created {isoformat(memory.created_at)}"]
    singles = ("namespace", "user_id", "session_id")
    parts += [f"{name} {getattr(memory, name)}" for name in singles if getattr(memory, name)]
    lists = ("topics", "entities")
    parts += [f"{name} {', '.join(getattr(memory, name))}" for name in lists if getattr(memory, name)]
    return " · ".join(parts)

"""`agent-memory decisions`: what was decided about memories, and why. A server may run on the data meanwhile."""

from __future__ import annotations

import click

from agent_memory_server.cli.output import AS_JSON, echo_json, isoformat
from agent_memory_server.cli.run import with_application
from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.interfaces.convert.decisions import counted, decision
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.decision_log import count_decisions, list_decisions
from agent_memory_server.ports.decision_log import Counts, DecisionPage

_MOST = 10_000


@click.command(short_help="List what was decided about memories, and why.")
@click.option("-m", "--memory", "memory_id", help="About this memory, or into it.")
@click.option("-s", "--session", "session_id", help="About memories out of this session.")
@click.option("-n", "--namespace", help="Of this namespace.")
@click.option("-u", "--user", "user_id", help="Of this user.")
@click.option("--kind", type=click.Choice([each.value for each in Kind]), help="Of this kind.")
@click.option("--outcome", type=click.Choice([each.value for each in Outcome]), help="Done, or refused.")
@click.option("--reason", type=click.Choice([each.value for each in Reason]), help="For this reason.")
@click.option("-l", "--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="At most.")
@click.option("--count", "count", is_flag=True, help="Count them by kind, outcome and reason instead.")
@AS_JSON
def decisions(limit: int, count: bool, as_json: bool, **asked: str | None) -> None:
    """List what was merged, superseded, labelled or read out of conversations, and what was refused; newest first."""
    wanted = _wanted(**asked)
    if count:
        _print_counts(wanted, as_json)
        return

    async def work(app: Application) -> DecisionPage:
        return await list_decisions(app, LOCAL, wanted, limit=limit)

    found = with_application(work).decisions
    if as_json:
        echo_json([decision(one) for one in found])
        return
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("Nothing was decided.")


def _wanted(kind: str | None, outcome: str | None, reason: str | None, **ids: str | None) -> DecisionFilter:
    return DecisionFilter(
        kind=Kind(kind) if kind else None,
        outcome=Outcome(outcome) if outcome else None,
        reason=Reason(reason) if reason else None,
        **ids,
    )


def _print_counts(wanted: DecisionFilter, as_json: bool) -> None:
    async def work(app: Application) -> Counts:
        return await count_decisions(app, LOCAL, wanted)

    counts = counted(with_application(work))
    if as_json:
        echo_json(counts)
        return
    for one in counts:
        click.echo(f"{one['count']:>6}  {one['kind']}  {one['outcome']}  {one['reason']}")
    if not counts:
        click.echo("Nothing was decided.")


def _line(one: Decision) -> str:
    about = ", ".join(one.memory_ids or one.message_ids) or one.session_id
    into = f" into {one.into}" if one.into else ""
    times = f" ({one.count} times)" if one.count > 1 else ""
    return f"{isoformat(one.at)}  {one.kind} {one.outcome}: {one.reason}{times}  {about}{into}  by {one.by}"

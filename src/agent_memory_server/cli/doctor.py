"""`agent-memory doctor`: is the installation sound, is the data, would the server start?"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Iterator
from contextlib import closing

import click

from agent_memory_server import __version__
from agent_memory_server.cli.listening import bound
from agent_memory_server.cli.output import AS_JSON, echo_json
from agent_memory_server.cli.start import FAILED, exit_on_refusal, started
from agent_memory_server.compose.maintenance import chat_findings, examining, model_finding, tokens_finding
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.finding import Finding, State
from agent_memory_server.settings import Loaded, Settings
from agent_memory_server.settings.auth import AuthMode, decide_auth, is_loopback

_MARKS = {State.OK: "ok     ", State.WARNING: "warning", State.FAILED: "FAILED "}
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}


@click.command(short_help="Check the installation and the data folder.")
@AS_JSON
def doctor(as_json: bool) -> None:
    """Check the installation, the settings and the data folder, changing nothing. A server may run meanwhile.

    Exit status 1 when a check failed; warnings are no failure.
    """
    with exit_on_refusal():
        loaded = started()
    found = []
    for finding in _findings(loaded):
        found.append(finding)
        if not as_json:
            mark = click.style(_MARKS[finding.state], fg=_COLOURS[finding.state])
            click.echo(f"{mark}  {finding.name:<16}  {finding.detail}")
    failed = any(finding.state is State.FAILED for finding in found)
    if as_json:
        checks = [{"name": entry.name, "state": entry.state.value, "detail": entry.detail} for entry in found]
        echo_json({"version": __version__, "ok": not failed, "checks": checks})
    sys.exit(FAILED if failed else 0)


def _findings(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    yield Finding("version", State.OK, f"{__version__}, Python {platform.python_version()}, {platform.system()}")
    if loaded.without_effect:
        names = ", ".join(loaded.without_effect)
        yield Finding("settings", State.WARNING, f"set, and without effect in this version: {names}")
    else:
        yield Finding("settings", State.OK, "valid")
    yield _access(settings)
    yield _port(settings)
    yield from examining(settings)
    yield asyncio.run(model_finding(settings))
    yield from asyncio.run(chat_findings(settings))
    yield tokens_finding(settings)


def _access(settings: Settings) -> Finding:
    host = settings.server.host
    try:
        decision = decide_auth(settings.auth, host)
    except MemoryServerError as exc:
        return Finding("access", State.FAILED, str(exc))
    if decision.mode is AuthMode.TOKEN:
        return Finding("access", State.OK, "tokens are needed")
    if is_loopback(host):
        return Finding("access", State.OK, f"no token is needed on {host}, which only this machine can reach")
    return Finding("access", State.WARNING, f"anyone who reaches {host} can read and change everything")


def _port(settings: Settings) -> Finding:
    try:
        with closing(bound(settings.server.host, settings.server.port)):
            return Finding("port", State.OK, f"{settings.server.port} is free")
    except MemoryServerError as exc:
        return Finding("port", State.WARNING, f"{exc} (a server that runs now has it as well)")

"""The list of commands, and what loading it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from agent_memory_server import __version__
from agent_memory_server.cli.main import main
from tests.support.processes import environment, run

REFERENCE = Path(__file__).resolve().parent.parent.parent / "docs/reference/cli.md"


def test_version_prints_what_scripts_expect(folder: Path) -> None:
    assert run(folder, "version").stdout == f"agent-memory-server version {__version__}\n"


def test_help_lists_every_command_and_loads_none(folder: Path) -> None:
    code = (
        "import sys; from agent_memory_server.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n"
        "    print(*sorted(m for m in sys.modules if m.split('.')[0] in {'pydantic', 'fastapi', 'numpy', 'structlog'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(folder), capture_output=True, text=True, check=True
    )
    *listing, loaded = done.stdout.splitlines()
    assert loaded == ""
    for name in main.entries:
        assert any(line.strip().startswith(name) for line in listing)


@pytest.mark.parametrize("name", main.entries)
def test_the_listed_line_of_a_command_is_its_own(name: str) -> None:
    command = main.entries[name].load()
    assert command.name == name
    assert main.entries[name].summary == command.get_short_help_str(limit=100)


def commands(group: click.Group, path: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        here = f"{path} {name}".strip()
        found += commands(command, here) if isinstance(command, click.Group) else [(here, command)]
    return found


@pytest.mark.parametrize(("path", "command"), commands(main))
def test_every_command_and_option_is_described_and_in_the_reference(path: str, command: click.Command) -> None:
    text = REFERENCE.read_text("utf-8")
    assert path in text
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help
            assert f"`{option.opts[-1]}`" in text or option.opts[-1] in text


def test_an_unknown_command_is_wrong_usage(folder: Path) -> None:
    done = run(folder, "serve")
    assert done.returncode == 2
    assert "No such command 'serve'" in done.stderr


@pytest.mark.parametrize(("set_before", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_commands_compute_on_one_thread_unless_told_otherwise(
    folder: Path, set_before: dict[str, str], threads: str
) -> None:
    code = "import os, agent_memory_server.cli.main; print(os.environ['OPENBLAS_NUM_THREADS'])"
    known = {name: value for name, value in environment(folder).items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=known | set_before, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == threads

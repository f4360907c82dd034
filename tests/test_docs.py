"""The documentation tells the truth: its links lead somewhere, its commands and routes exist, its examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from agent_memory_client.exceptions import _BY_CODE
from agent_memory_server.cli.main import main
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.idempotency import IdempotencyMismatch
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.interfaces.status import status_of
from agent_memory_server.settings.variables import variables
from tests.support.rest import application

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").glob("*/README.md")])
REFERENCE = ROOT / "docs/reference/rest-api.md"
BOUND_S = 120.0

_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?<![\w/.-])(?:\.venv/bin/)?agent-memory +([^\n`|]*)")
_ROUTE = re.compile(r"\b(GET|PUT|POST|PATCH|DELETE) (/v1/[^\s`?|]*)")
_CURL_PATH = re.compile(r"http://[\w.]+:8000(/[^\s'\"?]*)")
NOT_YET = {"/v1/summary-views", "/v1/tasks"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def without_fences(text: str) -> str:
    return _FENCE.sub("", text)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as they are made where the pages are read: lower case, words joined by
    hyphens, and a number where a heading comes again."""
    seen: dict[str, int] = {}
    found = []
    for heading in re.findall(r"^#+ +(.+)$", without_fences(page.read_text("utf-8")), re.MULTILINE):
        bare = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")
        number = seen.get(anchor, 0)
        seen[anchor] = number + 1
        found.append(f"{anchor}-{number}" if number else anchor)
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for path, anchor in _LINK.findall(without_fences(page.read_text("utf-8"))):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} is not there"
        if anchor:
            assert anchor[1:] in anchors(target), (
                f"{path}{anchor}: no such heading; there are {sorted(anchors(target))}"
            )


def test_every_page_is_reached_from_the_start() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = _LINK.findall(without_fences(page.read_text("utf-8")))
        waiting += [(page.parent / path).resolve() for path, _ in links if path and (page.parent / path).exists()]
    missing = {name_of(page) for page in PAGES} - {name_of(page) for page in reached}
    assert missing == set()


# --- commands ---------------------------------------------------------------------------------------------------------


def said_commands(text: str) -> Iterator[list[str]]:
    """What follows `agent-memory`, as words; quoted text is one word."""
    for rest in _COMMAND.findall(text.replace("\\\n", " ")):
        yield re.findall(r'"[^"]*"|\S+', rest.partition("#")[0])


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words behind it."""
    context = click.Context(main, info_name="agent-memory")
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_exists(page: Path) -> None:
    for words in said_commands(page.read_text("utf-8")):
        if not re.match(r"[a-z][a-z-]*$|--", words[0] if words else ""):
            continue  # the program's name in a sentence
        command, rest = command_of(words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        known |= {"--help", "-h"}
        used = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert command is not main or used, f"agent-memory {' '.join(words)}: no such command"
        assert used <= known, f"agent-memory {' '.join(words)}: {sorted(used - known)} not among {sorted(known)}"


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_the_reference_names_every_command_and_option() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    for name, command in commands(main):
        assert name in text, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert any(f"`{option}`" in text or f"{option} " in text for option in parameter.opts), (
                    name,
                    parameter,
                )


# The wire format names constants of the client, the settings page mistakes on purpose; both have tests of their own.
@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in {"wire-format.md", "settings.md"}], ids=name_of)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = {*re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", text), *re.findall(r"\b([A-Z]+_[A-Z_0-9]+)=", text)}
    assert named <= variables().keys() | {"REDIS_MEMORY_CONFIG"}


# --- routes and codes -------------------------------------------------------------------------------------------------


@cache
def routes() -> frozenset[str]:
    described: dict[str, Any] = create_app(lambda: application(Path("never opened")), RestOptions()).openapi()
    return frozenset(f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods)


def test_the_reference_names_exactly_the_routes_that_there_are() -> None:
    named = {f"{method} {path}" for method, path in _ROUTE.findall(REFERENCE.read_text("utf-8"))}
    assert named == routes()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_route_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = {f"{method} {path.rstrip('.,;:)')}" for method, path in _ROUTE.findall(text)}
    assert named <= routes()
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", route.partition(" ")[2])) for route in routes()]
    for path in _CURL_PATH.findall(text):
        assert not path.startswith("/v1/") or any(pattern.fullmatch(path) for pattern in patterns), path


def error_classes(
    cls: type[MemoryServerError] = MemoryServerError,
) -> Iterator[type[MemoryServerError]]:
    yield cls
    for sub in cls.__subclasses__():
        yield from error_classes(sub)


def test_every_error_code_is_described_with_its_status_and_its_class() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d+|`\w+`) \| (`?\w+`?) \|", text, re.MULTILINE))
    described = {(int(status), code) for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    classes = {cls for cls in error_classes() if cls.__module__ == MemoryServerError.__module__} | {IdempotencyMismatch}
    raised = {(status_of(cls("")), cls.code) for cls in classes}
    raised -= {(500, "internal"), (500, "start_refused")}
    assert described == raised | {(405, "method_not_allowed")}
    for code, cls in _BY_CODE.items():
        if code != "internal":
            assert rows[f"`{code}`"] == f"`{cls.__name__}`"


# --- examples ---------------------------------------------------------------------------------------------------------


def examples(page: Path) -> list[tuple[str, str, str]]:
    """(language, mark, content) of the blocks that are run or written to a file, in their order."""
    return [(lang, mark, body) for lang, mark, body in _FENCE.findall(page.read_text("utf-8")) if mark]


RUNNABLE = [page for page in PAGES if examples(page)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("documented")
    with own_server({"EMBEDDING_MODEL": "deterministic"}, folder=folder) as server:
        yield server.url, folder


def environment(folder: Path, tools: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "EMBEDDING_MODEL": "deterministic",
        "MEMORY_DATA_DIR": str(folder),
    }


def tools_in(folder: Path) -> Path:
    """`agent-memory` and `python` as this interpreter runs them, and a `curl` that fails where the server refuses."""
    folder.mkdir()
    for name, command in (
        ("python", f'"{sys.executable}" "$@"'),
        ("agent-memory", f'"{sys.executable}" -m agent_memory_server.cli "$@"'),
        ("curl", f'"{sys.executable}" -m tests.support.curl "$@"'),
    ):
        tool = folder / name
        tool.write_text(f"#!/bin/sh\n{command}\n")
        tool.chmod(0o755)
    return folder


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_the_examples_of_a_page_run(page: Path, url: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = url
    work = tmp_path / "work"
    work.mkdir()
    env = environment(folder, tools_in(tmp_path / "tools"))
    for language, mark, body in examples(page):
        content = body.replace("http://127.0.0.1:8000", address)
        if mark.startswith("file="):
            (work / mark.removeprefix("file=")).write_text(content)
            continue
        assert mark == "run", f"{mark!r} marks neither an example to run nor a file"
        command = {"sh": ["sh", "-ec", content], "python": [sys.executable, "-W", "error", "-c", content]}[language]
        done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, timeout=BOUND_S, check=False)
        assert done.returncode == 0, f"{content}\n{done.stdout}\n{done.stderr}"

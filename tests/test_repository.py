"""Rules about the repository itself that a reviewer would otherwise have to remember."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from agent_memory_server import __version__

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    [*ROOT.glob("src/**/*.py"), *ROOT.glob("clients/python/src/**/*.py"), *ROOT.glob("models/*/src/**/*.py")]
)
LOCKS = sorted(ROOT.glob("requirements/*.txt"))
PROJECTS = sorted(
    [ROOT / "pyproject.toml", *ROOT.glob("clients/python/pyproject.toml"), *ROOT.glob("models/*/pyproject.toml")]
)

REGISTRY_HOST = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|crates\.io|repo1?\.maven\.|golang\.org")
MACHINE_PATH = re.compile(r"(?<![\w.$})~*-])/(?:home|root|work|Users)/")
ADDRESS = re.compile(r"\w+://|\bfile:|--(?:extra-)?index-url|--find-links|--trusted-host")


def files_of_the_repository() -> list[Path]:
    """Tracked files, and new ones that are not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in sorted({*names}) if name and (ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in files_of_the_repository():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    return found


def project(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))["project"]
    return table


def version_of(path: Path) -> Version:
    return Version(project(path).get("version", __version__))


def pins(lock: Path) -> dict[str, list[str]]:
    """Package name → its pinned versions (more than one where they differ by platform or Python)."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def requirements_in(path: Path) -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return named(line for line in lines if line and not line.startswith("-"))


def named(lines: Iterable[str]) -> dict[str, str]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): f"{sorted(r.extras)}{r.specifier}" for r in parsed}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_names_a_package_registry() -> None:
    assert lines_that_match(REGISTRY_HOST) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_that_match(MACHINE_PATH) == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_is_documented_and_shorter_than_400_lines(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "open the module with what belongs in it"
    assert len(text.splitlines()) < 400, "look for the second concept hiding in it"


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_every_pinned_package_has_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert not ADDRESS.search(text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==\S+( ;|  *\\)", entry), f"not an exact pin: {entry.splitlines()[0]}"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"no hash: {entry.splitlines()[0]}"


def test_the_development_pins_extend_the_run_time_pins() -> None:
    run, dev = pins(ROOT / "requirements/run.txt"), pins(ROOT / "requirements/dev.txt")
    assert run.items() <= dev.items()


def test_the_run_time_requirements_are_those_of_the_server_and_of_building_it() -> None:
    manifest = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    own = {canonicalize_name(project(path)["name"]) for path in PROJECTS}
    wanted = {name: what for name, what in named(manifest["project"]["dependencies"]).items() if name not in own}
    given = requirements_in(ROOT / "requirements/run.in")
    build = {name: given.pop(name) for name in ("editables", "hatchling")}
    assert given == wanted
    assert named(manifest["build-system"]["requires"]).items() <= build.items()


@pytest.mark.parametrize("path", PROJECTS, ids=relative)
def test_every_distribution_accepts_the_pinned_versions_and_the_others_of_this_repository(path: Path) -> None:
    available = pins(ROOT / "requirements/run.txt")
    available |= {canonicalize_name(project(other)["name"]): [str(version_of(other))] for other in PROJECTS}
    for requirement in map(Requirement, project(path)["dependencies"]):
        if requirement.marker is None or requirement.marker.evaluate():
            versions = available[canonicalize_name(requirement.name)]
            assert all(map(requirement.specifier.contains, versions)), f"{requirement} refuses {versions}"


def test_the_changelog_opens_with_unreleased_and_has_no_version_above_the_server() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = [Version(heading) for heading in headings[1:]]
    assert released == sorted(released, reverse=True)
    assert all(version <= Version(__version__) for version in released)


def test_a_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in files_of_the_repository()
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_continuous_integration_runs_what_a_contributor_runs() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    commands = [line for line in script.splitlines() if line.strip() and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test </dev/null"]

"""Where values come from: the environment, `.env` in the working directory, and a file; the first that has one wins."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from agent_memory_server.settings.errors import Problem
from agent_memory_server.settings.names import CONFIG_FILE, PREFIX, closest, is_service_link, mistaken

ENVIRONMENT = "environment"
DOTENV = ".env"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written. name: as it was spelt; origin: environment, .env, or the file's name."""

    value: object
    name: str
    origin: str


@dataclass(slots=True)
class Collected:
    """Values by variable name, and what is wrong with how they were given."""

    values: dict[str, Given] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def offer(self, name: str, given: Given) -> None:
        """Take a value unless a stronger source gave one."""
        self.values.setdefault(name, given)


def collect(environ: Mapping[str, str], dotenv: Path, known: Mapping[str, object]) -> Collected:
    """All values that were given for known names, strongest source first; unknown names become problems."""
    collected = Collected()
    layers = [(ENVIRONMENT, _upper(environ)), (DOTENV, _upper(_dotenv(dotenv)))]
    for origin, layer in layers:
        _take_layer(collected, origin, layer, known)
    for _, layer in layers:
        if layer.get(CONFIG_FILE):
            _take_file(collected, layer[CONFIG_FILE], known)
            break
    return collected


def _upper(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in environ.items()}


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}


def _take_layer(collected: Collected, origin: str, layer: Mapping[str, str], known: Mapping[str, object]) -> None:
    for name in known:
        for spelt in (name, PREFIX + name):  # the plain name wins over the prefixed one
            value = layer.get(spelt, "")
            if value.strip() and not is_service_link(spelt, value):  # set to nothing: not set
                collected.offer(name, Given(value, spelt, origin))
    for name in mistaken(layer, known):
        collected.problems.append(_unknown(name, known, f"is not a setting ({origin})"))


def _unknown(name: str, known: Iterable[str], what: str) -> Problem:
    near = closest(name, known)
    return Problem(name, f"{what}; did you mean {near}?" if near else what)


def _take_file(collected: Collected, name: str, known: Mapping[str, object]) -> None:
    path = Path(name).expanduser()
    try:
        content = _parsed(path)
    except OSError as exc:
        collected.problems.append(Problem(CONFIG_FILE, f"cannot be read: {exc.strerror}", name))
        return
    except (ValueError, yaml.YAMLError) as exc:
        reason = f"cannot be understood: {' '.join(str(exc).split())}"
        collected.problems.append(Problem(CONFIG_FILE, reason, name))
        return
    if not isinstance(content, dict):
        collected.problems.append(Problem(CONFIG_FILE, "must hold names with values", name))
        return
    for key, value in content.items():
        variable = str(key).upper().removeprefix(PREFIX)
        if variable not in known:
            collected.problems.append(_unknown(str(key).upper(), known, f"is not a setting ({path.name})"))
        elif value is not None:
            collected.offer(variable, Given(value, str(key), path.name))


def _parsed(path: Path) -> Any:
    """A file's content; the suffix tells the language, YAML where there is none. An empty file sets nothing."""
    text = path.read_text(encoding="utf-8")
    match path.suffix.lower():
        case ".json":
            return json.loads(text) if text.strip() else {}
        case ".toml":
            return tomllib.loads(text)
        case _:
            content = yaml.safe_load(text)
            return {} if content is None else content

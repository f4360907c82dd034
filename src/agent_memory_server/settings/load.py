"""Read the settings: every problem is found and told at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from agent_memory_server.settings.errors import Problem, SettingsError
from agent_memory_server.settings.sources import DOTENV, Given, collect
from agent_memory_server.settings.tree import Settings
from agent_memory_server.settings.variables import Variable, sections, variables


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each given value came from (variable name → value as given)."""

    settings: Settings
    given: Mapping[str, Given]

    @property
    def without_effect(self) -> list[str]:
        """Names that were set although this version has no use for them."""
        return [given.name for name, given in self.given.items() if variables()[name].planned]

    def shown(self) -> Iterator[tuple[Variable, str | None, str]]:
        """Every variable with its value, safe to print, and where it came from."""
        for name, variable in variables().items():
            section = getattr(self.settings, variable.section)
            origin = self.given[name].origin if name in self.given else "default"
            yield variable, variable.shown(getattr(section, variable.field)), origin


def load(environ: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> Loaded:
    """The settings of this process. environ: default the process's own; dotenv: default `.env` in the working folder.

    Raises: SettingsError with every unknown name and every malformed value.
    """
    collected = collect(os.environ if environ is None else environ, dotenv or Path(DOTENV), variables())
    problems = collected.problems
    built: dict[str, BaseModel] = {}
    for section, class_ in sections().items():
        names = [name for name, variable in variables().items() if variable.section == section]
        values = {name: collected.values[name].value for name in names if name in collected.values}
        try:
            built[section] = class_.model_validate(values)
        except ValidationError as exc:
            problems.extend(_problems(exc, collected.values))
    if problems:
        raise SettingsError(problems)
    return Loaded(Settings.model_validate(built), collected.values)


def _problems(error: ValidationError, given: Mapping[str, Given]) -> Iterator[Problem]:
    seen = set()
    for detail in error.errors(include_url=False, include_context=False):
        name = str(detail["loc"][0])
        if name not in seen:  # one line for each variable, also where a union was tried twice
            seen.add(name)
            value = given[name]
            shown = variables()[name].shown(value.value)
            yield Problem(value.name, _reason(str(detail["msg"]), value.origin), shown)


def _reason(message: str, origin: str) -> str:
    reason = message.removeprefix("Value error, ").removeprefix("Input should be ")
    if reason != message and message.startswith("Input should be "):
        reason = f"must be {reason}"
    return f"{reason} ({origin})"

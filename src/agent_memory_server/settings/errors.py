"""What is wrong with the settings, in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.errors import StartRefused


@dataclass(frozen=True, slots=True)
class Problem:
    """One line for the operator: `name` as it was written, what was given (already safe to print) and why not."""

    name: str
    reason: str
    given: str | None = None

    def __str__(self) -> str:
        return f"{self.name}={self.given}: {self.reason}" if self.given is not None else f"{self.name}: {self.reason}"


class SettingsError(StartRefused):
    """The settings must not be used like this. `problems` is never empty; `str` has one line for each."""

    code = "settings"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)

"""One tool as a client sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent_memory_server.interfaces.mcp.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool. changes: whether it writes; destroys: whether a write may overwrite or delete; repeatable: whether
    the same call once more changes nothing further."""

    name: str
    title: str
    description: str
    parameters: Schema = field(default_factory=dict)
    required: tuple[str, ...] = ()
    answer: Schema
    changes: bool = False
    destroys: bool = False
    repeatable: bool = True

    def listed(self) -> dict[str, Any]:
        """The tool as `tools/list` shows it."""
        hints: dict[str, Any] = {"readOnlyHint": not self.changes, "openWorldHint": False}
        if self.changes:
            hints |= {"destructiveHint": self.destroys, "idempotentHint": self.repeatable}
        inputs: Schema = {"type": "object", "properties": self.parameters}
        if self.required:
            inputs["required"] = list(self.required)
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": {**inputs, "additionalProperties": False},
            "outputSchema": self.answer,
            "annotations": hints,
        }

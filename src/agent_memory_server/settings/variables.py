"""The variables of the settings tree: name, section, field, and how each is described and shown."""

from __future__ import annotations

import re
import types
import typing
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic.types import Json

from agent_memory_server.settings.planned import PLANNED
from agent_memory_server.settings.tree import Settings

HIDDEN = "(hidden)"
_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):([^/@\s]+)@")
_LONGEST_SHOWN = 80
_TYPE_NAMES = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
    SecretStr: "secret text",
    Path: "path",
    list: "JSON list",
    Json: "JSON list",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting. section, field: its place in the tree; planned: it has no effect in this version."""

    name: str
    section: str
    field: str
    info: FieldInfo
    planned: bool

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown."""
        return SecretStr in _leaves(self.info.annotation)

    @property
    def type_text(self) -> str:
        """The accepted values, for people."""
        return " or ".join(dict.fromkeys(_type_text(leaf) for leaf in _leaves(self.info.annotation)))

    @property
    def default_text(self) -> str:
        """The default, for people; empty when there is none."""
        extra = self.info.json_schema_extra
        if isinstance(extra, dict) and "default" in extra:
            return str(extra["default"])
        default = self.info.get_default(call_default_factory=True, validated_data={})
        return "" if default is None else f"`{plain(default)}`"

    def shown(self, value: object) -> str | None:
        """A value that is safe to print: secrets hidden, passwords in addresses too, long text cut. None: not set."""
        if value is None:
            return None
        if self.secret:
            return HIDDEN
        text = _PASSWORD.sub(rf"\1:{HIDDEN}@", plain(value))
        return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def plain(value: object) -> str:
    """A setting's value as it would be written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _leaves(annotation: typing.Any) -> list[typing.Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _leaves(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [leaf for part in typing.get_args(annotation) for leaf in _leaves(part) if part is not type(None)]
    return [annotation]


def _type_text(leaf: typing.Any) -> str:
    if typing.get_origin(leaf) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(leaf))
    if isinstance(leaf, type) and issubclass(leaf, Enum):
        return " or ".join(f"`{member.value}`" for member in leaf)
    return _TYPE_NAMES[typing.get_origin(leaf) or leaf]


def sections() -> dict[str, type[BaseModel]]:
    """Section name → class, in the order of the tree."""
    return {name: typing.cast("type[BaseModel]", info.annotation) for name, info in Settings.model_fields.items()}


@cache
def variables() -> dict[str, Variable]:
    """Every variable by its name, in the order of the tree."""
    found: dict[str, Variable] = {}
    for section, class_ in sections().items():
        for field, info in class_.model_fields.items():
            name = info.alias
            if name is None or name in found:
                raise TypeError(f"{class_.__name__}.{field} needs a variable name of its own")
            found[name] = Variable(name, section, field, info, class_ in PLANNED)
    return found

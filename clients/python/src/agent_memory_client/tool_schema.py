"""Descriptions of tools for language models, in the forms of OpenAI and Anthropic, which a caller may reword."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from typing_extensions import Self

SchemaFormat: TypeAlias = Literal["openai", "anthropic"]


class ToolSchema:
    """One tool: its name, its description and its parameters as a JSON schema.

    schema: `{"type": "function", "function": {name, description, parameters}}` in OpenAI's form,
    `{name, description, input_schema}` in Anthropic's. Raises: ValueError for another shape.
    """

    def __init__(self, schema: Mapping[str, Any], schema_format: SchemaFormat = "openai") -> None:
        if schema_format not in ("openai", "anthropic"):
            raise ValueError(f"the format of a tool schema is 'openai' or 'anthropic', not {schema_format!r}")
        self._schema: dict[str, Any] = copy.deepcopy(dict(schema))
        self._format: SchemaFormat = schema_format
        tool = self._schema.get("function") if schema_format == "openai" else self._schema
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
            raise ValueError(f"not a tool schema in the form of {schema_format}: it has no name")
        parameters = tool.get("parameters" if schema_format == "openai" else "input_schema")
        if not isinstance(parameters, dict):
            raise ValueError(f"the schema of tool {tool['name']!r} has no parameters")
        self._tool: dict[str, Any] = tool
        self._parameters: dict[str, Any] = parameters

    @property
    def format(self) -> SchemaFormat:
        """Whose form it has."""
        return self._format

    def set_name(self, name: str) -> Self:
        """Rename the tool; returns the schema itself. Whoever resolves its calls must know the new name.

        >>> client.get_memory_search_tool_schema().set_name("recall").get_name()
        'recall'
        """
        self._tool["name"] = name
        return self

    def set_description(self, description: str) -> Self:
        """Say what the tool is for; returns the schema itself.

        >>> client.get_memory_search_tool_schema().set_description("Recall a fact.").get_description()
        'Recall a fact.'
        """
        self._tool["description"] = description
        return self

    def set_parameter_description(self, param: str, text: str) -> Self:
        """Say what a parameter is for; returns the schema itself. Raises: KeyError for an unknown one.

        >>> schema = client.get_memory_search_tool_schema().set_parameter_description("query", "What to recall")
        >>> schema.get_parameter_description("query")
        'What to recall'
        """
        properties = self._parameters.get("properties", {})
        if param not in properties:
            raise KeyError(f"tool {self.get_name()!r} has no parameter {param!r}")
        properties[param]["description"] = text
        return self

    def get_name(self) -> str:
        """The tool's name.

        >>> client.get_memory_search_tool_schema().get_name()
        'search_memory'
        """
        return str(self._tool["name"])

    def get_description(self) -> str:
        """What the tool is for.

        >>> "long-term memory" in client.get_memory_search_tool_schema().get_description()
        True
        """
        return str(self._tool.get("description", ""))

    def get_parameter_description(self, param: str) -> str | None:
        """What a parameter is for; None when there is no such parameter, or nothing is said.

        >>> client.get_memory_search_tool_schema().get_parameter_description("unknown") is None
        True
        """
        described = self._parameters.get("properties", {}).get(param, {}).get("description")
        return None if described is None else str(described)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the schema, as a model's API takes it.

        >>> client.get_memory_search_tool_schema().to_dict()["type"]
        'function'
        """
        return copy.deepcopy(self._schema)

    def copy(self) -> ToolSchema:
        """A copy that may be changed on its own.

        >>> client.get_memory_search_tool_schema().copy().format
        'openai'
        """
        return ToolSchema(self._schema, self._format)

    def __getitem__(self, key: str) -> Any:
        return self._schema[key]

    def __setitem__(self, key: str, value: Any) -> None:
        changed = ToolSchema({**self._schema, key: value}, self._format)
        self._schema, self._tool, self._parameters = changed._schema, changed._tool, changed._parameters

    def __contains__(self, key: object) -> bool:
        return key in self._schema

    def __repr__(self) -> str:
        return f"ToolSchema({self.get_name()!r}, {self._format!r})"


class ToolSchemaCollection:
    """Several tools, in their order."""

    def __init__(self, schemas: Sequence[ToolSchema]) -> None:
        self._schemas = list(schemas)

    def get_by_name(self, name: str) -> ToolSchema | None:
        """The tool with this name; None when there is none.

        >>> client.get_all_memory_tool_schemas().get_by_name("unknown") is None
        True
        """
        return next((schema for schema in self._schemas if schema.get_name() == name), None)

    def set_description(self, name: str, text: str) -> Self:
        """Say what a tool is for; returns the collection itself. Raises: KeyError for an unknown tool.

        >>> tools = client.get_all_memory_tool_schemas().set_description("search_memory", "Recall a fact.")
        >>> tools.get_by_name("search_memory").get_description()
        'Recall a fact.'
        """
        self._known(name).set_description(text)
        return self

    def set_name(self, old: str, new: str) -> Self:
        """Rename a tool; returns the collection itself. Raises: KeyError for an unknown tool.

        >>> client.get_all_memory_tool_schemas().set_name("search_memory", "recall").names()[0]
        'recall'
        """
        self._known(old).set_name(new)
        return self

    def to_list(self) -> list[dict[str, Any]]:
        """Copies of all schemas, as a model's API takes them.

        >>> len(client.get_all_memory_tool_schemas().to_list())
        9
        """
        return [schema.to_dict() for schema in self._schemas]

    def copy(self) -> ToolSchemaCollection:
        """A copy that may be changed on its own.

        >>> len(client.get_all_memory_tool_schemas().copy())
        9
        """
        return ToolSchemaCollection([schema.copy() for schema in self._schemas])

    def names(self) -> list[str]:
        """The tools' names.

        >>> client.get_all_memory_tool_schemas().names()[0]
        'search_memory'
        """
        return [schema.get_name() for schema in self._schemas]

    def __iter__(self) -> Iterator[ToolSchema]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)

    def __getitem__(self, index: int) -> ToolSchema:
        return self._schemas[index]

    def _known(self, name: str) -> ToolSchema:
        found = self.get_by_name(name)
        if found is None:
            raise KeyError(f"there is no tool {name!r}, only {', '.join(self.names())}")
        return found

"""Calls of tools as models write them, read into one shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict


class UnifiedToolCall(TypedDict):
    """A call of a tool, whoever's model made it."""

    id: str | None
    name: str
    arguments: dict[str, Any]
    provider: Literal["openai", "anthropic", "generic"]


class ToolCallResolutionResult(TypedDict):
    """What a call of a tool came to. formatted_response: the text to hand back to the model."""

    success: bool
    function_name: str
    result: Any
    error: str | None
    formatted_response: str


def _arguments(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


class ToolCallParsing:
    """Reading the calls of tools in the forms of OpenAI, Anthropic and others. Arguments that cannot be read are {}."""

    @staticmethod
    def parse_openai_function_call(function_call: Mapping[str, Any]) -> UnifiedToolCall:
        """A call in OpenAI's older form: name, and arguments as JSON text.

        >>> client.parse_openai_function_call({"name": "search_memory", "arguments": '{"query": "tea"}'})["arguments"]
        {'query': 'tea'}
        """
        name, arguments = str(function_call.get("name", "")), _arguments(function_call.get("arguments"))
        return {"id": None, "name": name, "arguments": arguments, "provider": "openai"}

    @staticmethod
    def parse_openai_tool_call(tool_call: Mapping[str, Any]) -> UnifiedToolCall:
        """A call in OpenAI's form: id, type `function`, and the function.

        >>> function = {"name": "search_memory", "arguments": '{"query": "tea"}'}
        >>> client.parse_openai_tool_call({"id": "c1", "type": "function", "function": function})["id"]
        'c1'
        """
        function = tool_call.get("function") or {}
        name, arguments = str(function.get("name", "")), _arguments(function.get("arguments"))
        return {"id": tool_call.get("id"), "name": name, "arguments": arguments, "provider": "openai"}

    @staticmethod
    def parse_anthropic_tool_use(tool_use: Mapping[str, Any]) -> UnifiedToolCall:
        """A call in Anthropic's form: id, type `tool_use`, name and input.

        >>> use = {"type": "tool_use", "id": "c1", "name": "search_memory", "input": {"query": "tea"}}
        >>> client.parse_anthropic_tool_use(use)["provider"]
        'anthropic'
        """
        name, arguments = str(tool_use.get("name", "")), _arguments(tool_use.get("input"))
        return {"id": tool_use.get("id"), "name": name, "arguments": arguments, "provider": "anthropic"}

    @staticmethod
    def parse_tool_call(tool_call: Mapping[str, Any]) -> UnifiedToolCall:
        """A call in whichever form it has; one with `args`, as LangChain writes it, is generic.

        >>> client.parse_tool_call({"name": "search_memory", "args": {"query": "tea"}})["provider"]
        'generic'
        """
        if tool_call.get("type") == "tool_use" and "input" in tool_call:
            return ToolCallParsing.parse_anthropic_tool_use(tool_call)
        if tool_call.get("type") == "function" and "function" in tool_call:
            return ToolCallParsing.parse_openai_tool_call(tool_call)
        if "name" in tool_call and "arguments" in tool_call and "id" not in tool_call:
            return ToolCallParsing.parse_openai_function_call(tool_call)
        arguments = tool_call.get("arguments", tool_call.get("args", tool_call.get("input")))
        return {
            "id": tool_call.get("id"),
            "name": str(tool_call.get("name", "")),
            "arguments": _arguments(arguments),
            "provider": "generic",
        }

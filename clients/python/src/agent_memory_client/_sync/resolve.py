"""Carrying out the calls of tools that a model makes, within the scope of the caller and never of the model."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from agent_memory_client import tool_catalogue as tools
from agent_memory_client._sync.tools import MemoryTools
from agent_memory_client.exceptions import MemoryNotFoundError
from agent_memory_client.models.records import MemoryRecord
from agent_memory_client.tool_calls import ToolCallParsing, ToolCallResolutionResult

_SEARCH_ARGUMENTS = (
    "search_mode hybrid_alpha text_scorer topics entities memory_type max_results offset min_relevance optimize_query"
).split()
_RECORD_ARGUMENTS = "text topics entities memory_type namespace user_id session_id event_date".split()
_ALIASES = {
    tools.TOOL_ADD_MEMORY_TO_WORKING_MEMORY: tools.TOOL_LAZILY_CREATE_LONG_TERM_MEMORY,
    tools.TOOL_CREATE_LONG_TERM_MEMORY: tools.TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY,
}


def _needed(arguments: Mapping[str, Any], name: str) -> Any:
    value = arguments.get(name)
    if value is None or value in ("", [], {}):
        raise ValueError(f"argument {name!r} is required")
    return value


def _listed(memory: Mapping[str, Any]) -> str:
    details = [f"ID: {memory['id']}", memory["memory_type"], *memory["topics"]]
    return f"- {memory['text']} ({', '.join(details)})"


class ToolResolution(MemoryTools):
    """Resolution of tool calls. namespace and user_id are those of the caller: what the model says about them, or an
    id of a memory that belongs to others, does not reach beyond them."""

    def resolve_tool_call(
        self, tool_call: Mapping[str, Any], session_id: str, namespace: str | None = None, user_id: str | None = None
    ) -> ToolCallResolutionResult:
        """Carry out a call in the form of any provider. Never raises: a failure is an answer for the model, too.

        >>> ack = client.create_long_term_memory([{"id": "m1", "text": "Ana prefers tea", "user_id": "ana"}])
        >>> call = {"type": "tool_use", "id": "c1", "name": "search_memory", "input": {"query": "tea"}}
        >>> answer = client.resolve_tool_call(call, session_id="s1", user_id="ana")
        >>> print(answer["formatted_response"])
        Found 1 relevant memories for: tea
        - Ana prefers tea (ID: m1, semantic)
        """
        function = tool_call.get("function")
        raw = function.get("arguments") if isinstance(function, Mapping) else tool_call.get("arguments")
        parsed = ToolCallParsing.parse_tool_call(tool_call)
        arguments: str | dict[str, Any] = raw if isinstance(raw, str) else parsed["arguments"]
        return self.resolve_function_call(parsed["name"], arguments, session_id, namespace, user_id)

    def resolve_tool_calls(
        self,
        tool_calls: Sequence[Mapping[str, Any]],
        session_id: str,
        namespace: str | None = None,
        user_id: str | None = None,
    ) -> list[ToolCallResolutionResult]:
        """Carry out calls in their order, one after another.

        >>> answers = client.resolve_tool_calls([{"name": "get_current_datetime", "args": {}}], session_id="s1")
        >>> answers[0]["success"]
        True
        """
        return [self.resolve_tool_call(call, session_id, namespace, user_id) for call in tool_calls]

    def resolve_function_calls(
        self,
        function_calls: Sequence[Mapping[str, Any]],
        session_id: str,
        namespace: str | None = None,
        user_id: str | None = None,
    ) -> list[ToolCallResolutionResult]:
        """Carry out calls of the form `{name, arguments}` in their order, one after another.

        >>> calls = [{"name": "unknown", "arguments": "{}"}]
        >>> (client.resolve_function_calls(calls, session_id="s1"))[0]["error"]
        'Unknown function: unknown'
        """
        return [
            self.resolve_function_call(
                str(call.get("name", "")), call.get("arguments", {}), session_id, namespace, user_id
            )
            for call in function_calls
        ]

    def resolve_function_call(
        self,
        function_name: str,
        function_arguments: str | Mapping[str, Any],
        session_id: str,
        namespace: str | None = None,
        user_id: str | None = None,
    ) -> ToolCallResolutionResult:
        """Carry out one call by name. Never raises.

        >>> arguments = '{"text": "Ana prefers tea", "memory_type": "semantic"}'
        >>> answer = client.resolve_function_call("lazily_create_long_term_memory", arguments, session_id="s1")
        >>> answer["success"], answer["formatted_response"]
        (True, 'Stored semantic memory: Ana prefers tea')
        """
        name = function_name
        if name in _ALIASES:
            warnings.warn(f"the tool {name} is now {_ALIASES[name]}", DeprecationWarning, stacklevel=2)
        try:
            arguments = json.loads(function_arguments) if isinstance(function_arguments, str) else function_arguments
            result = self._carry_out(_ALIASES.get(name, name), arguments, session_id, namespace, user_id)
        except json.JSONDecodeError as exc:
            return _failure(name, f"Invalid JSON arguments: {exc}")
        except Exception as exc:  # noqa: BLE001 - whatever went wrong, the model is told and the conversation goes on
            return _failure(name, str(exc) or type(exc).__name__)
        if result.get("error"):
            return {**_failure(name, str(result["error"])), "result": result}
        text = str(result.get("summary", result))
        if memories := result.get("memories") if name == tools.TOOL_SEARCH_MEMORY else None:
            text = "\n".join([text, *map(_listed, memories)])
        return {"success": True, "function_name": name, "result": result, "error": None, "formatted_response": text}

    def _carry_out(
        self, name: str, arguments: object, session_id: str, namespace: str | None, user_id: str | None
    ) -> dict[str, Any]:
        if not isinstance(arguments, Mapping):
            raise ValueError("the arguments are not a JSON object")
        if name in (tools.TOOL_GET_OR_CREATE_WORKING_MEMORY, "get_working_memory"):
            return self.get_or_create_working_memory_tool(session_id, namespace, user_id)
        if name == tools.TOOL_LAZILY_CREATE_LONG_TERM_MEMORY:
            text, kind = _needed(arguments, "text"), arguments.get("memory_type", "semantic")
            labels = (arguments.get("topics"), arguments.get("entities"))
            return self.add_memory_tool(session_id, text, kind, *labels, namespace, user_id)
        if name == tools.TOOL_UPDATE_WORKING_MEMORY_DATA:
            data, strategy = _needed(arguments, "data"), arguments.get("merge_strategy", "merge")
            return self.update_memory_data_tool(session_id, data, strategy, namespace, user_id)
        if name == tools.TOOL_GET_CURRENT_DATETIME:
            now = datetime.now(timezone.utc).replace(microsecond=0)
            iso = now.isoformat().replace("+00:00", "Z")
            return {"iso_utc": iso, "unix_ts": int(now.timestamp()), "summary": f"It is {iso}"}
        return self._carry_out_on_records(name, arguments, namespace, user_id)

    def _carry_out_on_records(
        self, name: str, arguments: Mapping[str, Any], namespace: str | None, user_id: str | None
    ) -> dict[str, Any]:
        if name == tools.TOOL_SEARCH_MEMORY:
            options = {key: arguments[key] for key in _SEARCH_ARGUMENTS if arguments.get(key) is not None}
            who = user_id if user_id is not None else arguments.get("user_id")
            query = _needed(arguments, "query")
            return self.search_memory_tool(query, **options, user_id=who, namespace=namespace)
        if name == tools.TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY:
            return self._create(_needed(arguments, "memories"), namespace, user_id)
        if name == tools.TOOL_GET_LONG_TERM_MEMORY:
            record = self._owned(_needed(arguments, "memory_id"), namespace, user_id)
            return _shown(record, "Memory")
        if name == tools.TOOL_EDIT_LONG_TERM_MEMORY:
            return self._edit(_needed(arguments, "memory_id"), arguments, namespace, user_id)
        if name == tools.TOOL_DELETE_LONG_TERM_MEMORIES:
            return self._delete(_needed(arguments, "memory_ids"), namespace, user_id)
        raise ValueError(f"Unknown function: {name}")

    def _owned(self, memory_id: str, namespace: str | None, user_id: str | None) -> MemoryRecord:
        """The memory, if it is one of the caller's. Raises: MemoryNotFoundError, in the same words, if not."""
        record = self.get_long_term_memory(memory_id)
        place = self._namespace(namespace)
        if (place is not None and record.namespace != place) or (user_id is not None and record.user_id != user_id):
            raise MemoryNotFoundError(f"Memory with ID {memory_id} not found", 404, code="not_found")
        return record

    def _owns(self, memory_id: str, namespace: str | None, user_id: str | None) -> bool:
        try:
            self._owned(memory_id, namespace, user_id)
        except MemoryNotFoundError:
            return False
        return True

    def _create(self, memories: Any, namespace: str | None, user_id: str | None) -> dict[str, Any]:
        given = [memories] if isinstance(memories, Mapping) else list(memories)
        fixed = {"namespace": self._namespace(namespace), "user_id": user_id}
        scope = {name: value for name, value in fixed.items() if value is not None}
        answer = self.create_long_term_memory([{**memory, **scope} for memory in given])
        count = f"Created {len(given)} memories successfully"
        return {"status": answer.status, "message": count, "summary": count}

    def _edit(
        self, memory_id: str, arguments: Mapping[str, Any], namespace: str | None, user_id: str | None
    ) -> dict[str, Any]:
        fixed = {"namespace": self._namespace(namespace), "user_id": user_id}
        updates = {
            name: arguments[name]
            for name in _RECORD_ARGUMENTS
            if arguments.get(name) is not None and fixed.get(name) is None
        }
        if not updates:
            raise ValueError("At least one field to update must be provided")
        record = self._owned(memory_id, namespace, user_id)
        # At the revision that was seen to be the caller's, so that it still is one of the caller's when it changes.
        changed = self.edit_long_term_memory(memory_id, updates, if_revision=record.revision)
        return _shown(changed, "Changed memory")

    def _delete(self, memory_ids: Any, namespace: str | None, user_id: str | None) -> dict[str, Any]:
        if not isinstance(memory_ids, list):
            raise ValueError("memory_ids must be a list of memory IDs")
        owned = [str(memory_id) for memory_id in memory_ids if self._owns(memory_id, namespace, user_id)]
        status = (self.delete_long_term_memories(owned)).status if owned else "ok, deleted 0 memories"
        return {"status": status, "summary": status}


def _failure(name: str, error: str) -> ToolCallResolutionResult:
    text = f"Error: {error}"
    return {"success": False, "function_name": name, "result": None, "error": error, "formatted_response": text}


def _shown(record: MemoryRecord, title: str) -> dict[str, Any]:
    memory = record.model_dump(mode="json", exclude_none=True)
    details = ", ".join([record.memory_type.value, *(record.topics or [])])
    return {"memory": memory, "summary": f"{title} {record.id}: {record.text} ({details})"}

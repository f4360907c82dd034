"""What the tools of a model do: calls whose answers are plain dictionaries with a summary in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_memory_client._sync.search import SearchCalls
from agent_memory_client._sync.session_changes import SessionChanges
from agent_memory_client.changes import MergeStrategy
from agent_memory_client.exceptions import MemoryClientError
from agent_memory_client.models.records import MemoryRecordResult
from agent_memory_client.models.sessions import MemoryStrategyConfig, WorkingMemoryResponse

_PREVIEW_CHARS = 100


def _found(memory: MemoryRecordResult) -> dict[str, Any]:
    return {
        "id": memory.id,
        "text": memory.text,
        "memory_type": memory.memory_type.value,
        "topics": memory.topics or [],
        "entities": memory.entities or [],
        "created_at": memory.created_at.isoformat(),
        "relevance_score": memory.score if memory.score is not None else max(0.0, 1.0 - memory.dist),
    }


def _told(session: WorkingMemoryResponse) -> dict[str, Any]:
    data = session.data or {}
    return {
        "session_id": session.session_id,
        "message_count": len(session.messages),
        "memory_count": len(session.memories),
        "memories": [
            {"id": memory.id, "text": memory.text, "memory_type": memory.memory_type.value}
            for memory in session.memories
        ],
        "data_keys": list(data),
        "data": data,
        "context": session.context,
        "summary": f"Session has {len(session.messages)} messages, {len(session.memories)} stored memories, "
        f"and {len(data)} data entries",
    }


class MemoryTools(SessionChanges, SearchCalls):
    """The tools' work. Those on working memory do not raise: a failure is told in `error` and `summary`."""

    def search_memory_tool(  # noqa: PLR0913, PLR0917 - a parameter for each of the tool
        self,
        query: str,
        search_mode: str = "semantic",
        hybrid_alpha: float | None = None,
        text_scorer: str | None = None,
        topics: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
        memory_type: str | None = None,
        max_results: int = 10,
        offset: int = 0,
        min_relevance: float | None = None,
        user_id: str | None = None,
        optimize_query: bool = False,
        *,
        namespace: str | None = None,
    ) -> dict[str, Any]:
        """Search long-term memory. min_relevance: 0 … 1, semantic mode only (ValueError).

        >>> ack = client.create_long_term_memory([{"text": "Ana prefers tea", "user_id": "ana"}])
        >>> answer = client.search_memory_tool("What does Ana drink?", user_id="ana")
        >>> [memory["text"] for memory in answer["memories"]], answer["summary"]
        (['Ana prefers tea'], 'Found 1 relevant memories for: What does Ana drink?')
        """
        if min_relevance is not None and search_mode != "semantic":
            raise ValueError("min_relevance is only supported when search_mode='semantic'")
        page = self.search_long_term_memory(
            query,
            search_mode,
            hybrid_alpha,
            text_scorer,
            namespace=namespace,
            topics=topics or None,
            entities=entities or None,
            memory_type=memory_type,
            distance_threshold=None if min_relevance is None else 1.0 - min_relevance,
            limit=max_results,
            offset=offset,
            user_id=user_id,
            optimize_query=optimize_query,
        )
        return {
            "memories": [_found(memory) for memory in page.memories],
            "total_found": page.total,
            "offset": offset,
            "next_offset": page.next_offset,
            "has_more": page.next_offset is not None,
            "query": query,
            "summary": f"Found {len(page.memories)} relevant memories for: {query}",
        }

    def get_working_memory_tool(
        self, session_id: str, namespace: str | None = None, user_id: str | None = None
    ) -> dict[str, Any]:
        """Tell what a session holds.

        >>> appended = client.append_messages("s1", [{"role": "user", "content": "Hello"}])
        >>> (client.get_working_memory_tool("s1"))["summary"]
        'Session has 1 messages, 0 stored memories, and 0 data entries'
        """
        try:
            return _told(self.get_working_memory(session_id, user_id, namespace))
        except MemoryClientError as exc:
            return {"session_id": session_id, "error": str(exc), "summary": f"Error reading working memory: {exc}"}

    def get_or_create_working_memory_tool(
        self,
        session_id: str,
        namespace: str | None = None,
        user_id: str | None = None,
        long_term_memory_strategy: MemoryStrategyConfig | None = None,
    ) -> dict[str, Any]:
        """Tell what a session holds, making it when it is not there.

        >>> (client.get_or_create_working_memory_tool("s1"))["created"]
        True
        """
        try:
            created, session = self.get_or_create_working_memory(
                session_id, user_id, namespace, long_term_memory_strategy=long_term_memory_strategy
            )
        except MemoryClientError as exc:
            return {
                "session_id": session_id,
                "created": False,
                "error": str(exc),
                "summary": f"Error reading working memory: {exc}",
            }
        return {**_told(session), "created": created}

    def add_memory_tool(
        self,
        session_id: str,
        text: str,
        memory_type: str,
        topics: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
        namespace: str | None = None,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """Add a memory to a session, from which it becomes a long-term memory.

        >>> answer = client.add_memory_tool("s1", "Ana prefers tea", "semantic", topics=["drinks"])
        >>> answer["success"], answer["summary"]
        (True, 'Stored semantic memory: Ana prefers tea')
        """
        memory = {
            "text": text,
            "memory_type": memory_type,
            "topics": topics and list(topics),
            "entities": entities and list(entities),
            "user_id": user_id,
        }
        try:
            self.add_memories_to_working_memory(session_id, [memory], namespace, user_id=user_id)
        except MemoryClientError as exc:
            return {"success": False, "error": str(exc), "summary": f"Error storing memory: {exc}"}
        preview = text if len(text) <= _PREVIEW_CHARS else text[:_PREVIEW_CHARS] + "..."
        return {
            "success": True,
            "memory_type": memory_type,
            "text_preview": preview,
            "topics": list(topics or []),
            "entities": list(entities or []),
            "summary": f"Stored {memory_type} memory: {preview}",
        }

    def update_memory_data_tool(
        self,
        session_id: str,
        data: Mapping[str, Any],
        merge_strategy: MergeStrategy = "merge",
        namespace: str | None = None,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """Update a session's data.

        >>> (client.update_memory_data_tool("s1", {"city": "Porto"}))["summary"]
        'Updated 1 data entries: city'
        """
        try:
            self.update_working_memory_data(session_id, data, namespace, merge_strategy, user_id)
        except MemoryClientError as exc:
            return {"success": False, "error": str(exc), "summary": f"Error updating working memory data: {exc}"}
        return {
            "success": True,
            "updated_keys": list(data),
            "merge_strategy": merge_strategy,
            "data_preview": {key: str(value)[:_PREVIEW_CHARS] for key, value in data.items()},
            "summary": f"Updated {len(data)} data entries: {', '.join(map(str, data))}",
        }

"""The calls that build a prompt from memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_memory_client._sync.base import Calls
from agent_memory_client.answers import checked, read
from agent_memory_client.conditions import Tags, Times, Types, given_filters
from agent_memory_client.models.enums import SearchModeEnum
from agent_memory_client.models.prompt import MemoryPromptRequest, MemoryPromptResponse


class PromptCalls(Calls):
    """Prompts that hold what memory knows about a query."""

    def memory_prompt(
        self,
        query: str,
        session_id: str | None = None,
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        long_term_search: Mapping[str, Any] | bool | None = None,
        user_id: str | None = None,
        optimize_query: bool = False,
    ) -> dict[str, Any]:
        """A prompt of a session's conversation, of long-term memories, or of both, with the query at its end.

        session_id: whose conversation; None leaves it out. long_term_search: members of a search request, or True for
        the server's own settings; its namespace defaults to `namespace`, which defaults to the client's. The answer
        holds `messages` for a model and the `long_term_memories` that went into them.

        >>> appended = client.append_messages("s1", [{"role": "user", "content": "I moved to Lisbon."}])
        >>> prompt = client.memory_prompt("Where do I live?", session_id="s1")
        >>> [message["content"]["text"] for message in prompt["messages"]]
        ['I moved to Lisbon.', 'Where do I live?']
        """
        place = self._namespace(namespace)
        members: dict[str, Any] = {"query": query}
        if session_id is not None:
            session = {
                "session_id": session_id,
                "namespace": place,
                "user_id": user_id,
                **self._model(model_name, context_window_max),
            }
            members["session"] = {name: member for name, member in session.items() if member is not None}
        if isinstance(long_term_search, Mapping):
            search = dict(long_term_search)
            if place is not None and search.get("namespace") is None:
                search["namespace"] = {"eq": place}
            members["long_term_search"] = search
        elif long_term_search is not None:
            members["long_term_search"] = long_term_search
        request = checked(MemoryPromptRequest, members)
        response = self._transport.send(
            "POST",
            "/v1/memory/prompt",
            query={"optimize_query": optimize_query},
            body=request.model_dump_json(exclude_unset=True),
        )
        return read(MemoryPromptResponse, response).model_dump(mode="json")

    def hydrate_memory_prompt(  # noqa: PLR0913, PLR0917 - a parameter for each member
        self,
        query: str,
        session_id: Tags | None = None,
        namespace: Tags | None = None,
        topics: Tags | None = None,
        entities: Tags | None = None,
        created_at: Times | None = None,
        last_accessed: Times | None = None,
        user_id: Tags | None = None,
        distance_threshold: float | None = None,
        memory_type: Types | None = None,
        limit: int = 10,
        offset: int = 0,
        optimize_query: bool = False,
        search_mode: SearchModeEnum | str = "semantic",
        hybrid_alpha: float | None = None,
        text_scorer: str | None = None,
        event_date: Times | None = None,
        recency_boost: bool | None = None,
        recency_semantic_weight: float | None = None,
        recency_recency_weight: float | None = None,
        recency_freshness_weight: float | None = None,
        recency_novelty_weight: float | None = None,
        recency_half_life_last_access_days: float | None = None,
        recency_half_life_created_days: float | None = None,
        server_side_recency: bool | None = None,
    ) -> dict[str, Any]:
        """A prompt of the long-term memories that fit the query, with the query at its end; no session is involved.

        Filters are given as in a search: objects, dictionaries, or plain values.

        >>> ack = client.create_long_term_memory([{"text": "Ana lives in Lisbon", "user_id": "ana"}])
        >>> prompt = client.hydrate_memory_prompt("Where does Ana live?", user_id="ana", limit=3)
        >>> [message["role"] for message in prompt["messages"]]
        ['system', 'user']
        >>> [memory["text"] for memory in prompt["long_term_memories"]]
        ['Ana lives in Lisbon']
        """
        filters: dict[str, Tags | Types | Times | None] = {
            "session_id": session_id,
            "namespace": self.config.default_namespace if namespace is None else namespace,
            "topics": topics,
            "entities": entities,
            "created_at": created_at,
            "last_accessed": last_accessed,
            "user_id": user_id,
            "memory_type": memory_type,
            "event_date": event_date,
        }
        options = {
            "distance_threshold": distance_threshold,
            "hybrid_alpha": hybrid_alpha,
            "text_scorer": text_scorer,
            "recency_boost": recency_boost,
            "recency_semantic_weight": recency_semantic_weight,
            "recency_recency_weight": recency_recency_weight,
            "recency_freshness_weight": recency_freshness_weight,
            "recency_novelty_weight": recency_novelty_weight,
            "recency_half_life_last_access_days": recency_half_life_last_access_days,
            "recency_half_life_created_days": recency_half_life_created_days,
            "server_side_recency": server_side_recency,
        }
        search = {
            "search_mode": search_mode,
            "limit": limit,
            "offset": offset,
            **given_filters(filters),
            **{name: option for name, option in options.items() if option is not None},
        }
        return self.memory_prompt(query, long_term_search=search, optimize_query=optimize_query)

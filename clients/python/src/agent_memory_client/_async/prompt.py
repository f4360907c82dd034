"""The call that builds a prompt from memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_memory_client._async.base import Calls
from agent_memory_client.answers import checked, read
from agent_memory_client.models.prompt import MemoryPromptRequest, MemoryPromptResponse


class PromptCalls(Calls):
    """Prompts that hold what memory knows about a query."""

    async def memory_prompt(
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
        the server's own settings; its namespace defaults to `namespace`, which defaults to the client's.
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
        response = await self._transport.send(
            "POST",
            "/v1/memory/prompt",
            query={"optimize_query": optimize_query},
            body=request.model_dump_json(exclude_unset=True),
        )
        return read(MemoryPromptResponse, response).model_dump(mode="json")

"""LangChain: memory as tools for a model, as a chat history, and as a retriever. Needs langchain-core.

The tools and the history work in synchronous programs, too; there each call opens a connection of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from agent_memory_client._async.client import MemoryAPIClient
from agent_memory_client._sync.client import SyncMemoryAPIClient
from agent_memory_client.exceptions import MemoryNotFoundError
from agent_memory_client.integrations.transcripts import (
    WHOLE_WINDOW,
    emptied,
    packed,
    plain,
    unpacked,
    whole_session,
)
from agent_memory_client.models.messages import MemoryMessage
from agent_memory_client.models.search import MemoryRecordResults
from agent_memory_client.tool_catalogue import TOOL_NAMES, schema_of

try:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.documents import Document
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        message_to_dict,
        messages_from_dict,
    )
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import StructuredTool
    from pydantic import ConfigDict
except ImportError as exc:
    raise ImportError("LangChain is required to use this integration. Install agent-memory-client[langchain].") from exc

_KIND = "langchain"
_ROLES: dict[str, type[BaseMessage]] = {"user": HumanMessage, "assistant": AIMessage, "system": SystemMessage}


def get_memory_tools(
    memory_client: MemoryAPIClient,
    session_id: str,
    user_id: str | None = None,
    namespace: str | None = None,
    tools: Sequence[str] | Literal["all"] = "all",
) -> list[StructuredTool]:
    """Tools to bind to a model. Their texts hold the memories; session, user and namespace are bound, not the model's.

    tools: names out of the nine, or all. A failure is an answer that begins with `Error: `. Raises: ValueError for
    unknown names.
    """
    names = list(TOOL_NAMES) if tools == "all" else list(tools)
    unknown = sorted({*names} - {*TOOL_NAMES})
    if unknown:
        raise ValueError(f"Invalid tool names: {', '.join(unknown)}. There are: {', '.join(TOOL_NAMES)}")
    return [_tool(name, memory_client, session_id, user_id, namespace) for name in names]


get_memory_tools_langchain = get_memory_tools


def _tool(
    name: str, client: MemoryAPIClient, session_id: str, user_id: str | None, namespace: str | None
) -> StructuredTool:
    function = schema_of(name, "openai").to_dict()["function"]
    bound = {"user_id": user_id, "namespace": namespace or client.config.default_namespace}
    properties = function["parameters"]["properties"]
    for fixed, value in bound.items():
        if value is not None:
            properties.pop(fixed, None)

    async def call(**arguments: Any) -> str:
        answer = await client.resolve_function_call(name, arguments, session_id, namespace, user_id)
        return answer["formatted_response"]

    def call_now(**arguments: Any) -> str:
        with SyncMemoryAPIClient(client.config) as twin:
            answer = twin.resolve_function_call(name, arguments, session_id, namespace, user_id)
        return answer["formatted_response"]

    schema = {"title": name, "description": function["description"], **function["parameters"]}
    return StructuredTool.from_function(
        func=call_now, coroutine=call, name=name, description=function["description"], args_schema=schema
    )


def _stored(message: BaseMessage) -> dict[str, str]:
    role = next((role for role, kind in _ROLES.items() if type(message) is kind), None)
    text = message.content if isinstance(message.content, str) else ""
    bare = not (message.additional_kwargs or getattr(message, "tool_calls", None) or message.name)
    simple = plain(role, text) if role and bare else None
    return simple or packed(_KIND, message_to_dict(message))


def _restored(message: MemoryMessage) -> BaseMessage:
    value = unpacked(_KIND, message)
    if value is not None:
        return messages_from_dict([value])[0]
    return _ROLES.get(message.role, HumanMessage)(content=message.content, id=message.id)


class MemoryChatMessageHistory(BaseChatMessageHistory):
    """A session's messages as a chat history. Adding one costs the same however long the session is."""

    def __init__(
        self,
        memory_client: MemoryAPIClient,
        session_id: str,
        user_id: str | None = None,
        namespace: str | None = None,
    ) -> None:
        self._client = memory_client
        self._where = (session_id, namespace, user_id)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All messages, oldest first."""
        session_id, namespace, user_id = self._where
        with SyncMemoryAPIClient(self._client.config) as twin:
            try:
                session = twin.get_working_memory(session_id, user_id, namespace, context_window_max=WHOLE_WINDOW)
            except MemoryNotFoundError:
                return []
        return [_restored(message) for message in session.messages]

    async def aget_messages(self) -> list[BaseMessage]:
        """All messages, oldest first."""
        session = await whole_session(self._client, *self._where)
        return [_restored(message) for message in session.messages] if session else []

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages behind the last one."""
        session_id, namespace, user_id = self._where
        with SyncMemoryAPIClient(self._client.config) as twin:
            twin.append_messages(session_id, [*map(_stored, messages)], namespace=namespace, user_id=user_id)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages behind the last one."""
        session_id, namespace, user_id = self._where
        await self._client.append_messages(session_id, [*map(_stored, messages)], namespace=namespace, user_id=user_id)

    def clear(self) -> None:
        """Empty the session. Long-term memories stay."""
        with SyncMemoryAPIClient(self._client.config) as twin:
            twin.put_working_memory(self._where[0], emptied(*self._where))

    async def aclear(self) -> None:
        """Empty the session. Long-term memories stay."""
        await self._client.put_working_memory(self._where[0], emptied(*self._where))


class MemoryRetriever(BaseRetriever):
    """Long-term memories as documents, best first; their metadata are the members of a result."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory_client: MemoryAPIClient
    user_id: str | None = None
    namespace: str | None = None
    search_mode: str = "semantic"
    limit: int = 10

    def _options(self) -> dict[str, Any]:
        return {"search_mode": self.search_mode, "user_id": self.user_id, "namespace": self.namespace} | {
            "limit": self.limit
        }

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        with SyncMemoryAPIClient(self.memory_client.config) as twin:
            return _documents(twin.search_long_term_memory(query, **self._options()))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return _documents(await self.memory_client.search_long_term_memory(query, **self._options()))


def _documents(found: MemoryRecordResults) -> list[Document]:
    return [
        Document(
            id=memory.id,
            page_content=memory.text,
            metadata=memory.model_dump(mode="json", exclude={"text"}, exclude_none=True),
        )
        for memory in found.memories
    ]

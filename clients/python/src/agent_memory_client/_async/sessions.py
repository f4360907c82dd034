"""Calls on working memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_memory_client._async.base import Calls
from agent_memory_client._async.transport import only_revision, segment
from agent_memory_client.answers import checked, read
from agent_memory_client.exceptions import MemoryConflictError, MemoryNotFoundError, MemoryValidationError
from agent_memory_client.models.fields import new_id
from agent_memory_client.models.messages import MemoryMessage
from agent_memory_client.models.sessions import (
    AppendMessagesRequest,
    AppendMessagesResponse,
    MemoryStrategyConfig,
    SessionListResponse,
    UpdateWorkingMemory,
    WorkingMemory,
    WorkingMemoryResponse,
)
from agent_memory_client.models.writes import AckResponse


def _address(session_id: str) -> str:
    return f"/v1/working-memory/{segment(session_id, 'session_id')}"


def _message(message: Mapping[str, Any] | MemoryMessage) -> dict[str, Any]:
    if isinstance(message, MemoryMessage):
        return message.model_dump()
    if not isinstance(message, Mapping):
        raise MemoryValidationError(f"a message is a dictionary or a MemoryMessage, not a {type(message).__name__}")
    if "role" not in message or "content" not in message:
        raise MemoryValidationError("a message needs 'role' and 'content'")
    return {name: member for name, member in message.items() if member is not None}


class SessionCalls(Calls):
    """Working memory: the messages, structured memories, data and running summary of sessions."""

    async def list_sessions(
        self, limit: int = 20, offset: int = 0, namespace: str | None = None, user_id: str | None = None
    ) -> SessionListResponse:
        """A page of session ids, and how many there are in all. limit: 1 … 100."""
        query = {"limit": limit, "offset": offset, "namespace": self._namespace(namespace), "user_id": user_id}
        return read(SessionListResponse, await self._transport.send("GET", "/v1/working-memory/", query=query))

    async def get_working_memory(
        self,
        session_id: str,
        user_id: str | None = None,
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        *,
        recent_messages_limit: int | None = None,
    ) -> WorkingMemoryResponse:
        """The session. With a model or a context window (tokens), only the latest messages that fit into it.

        recent_messages_limit: only that many messages, the latest by `created_at`. Raises: MemoryNotFoundError.
        """
        query = {
            **self._model(model_name, context_window_max),
            "user_id": user_id,
            "namespace": self._namespace(namespace),
            "recent_messages_limit": recent_messages_limit,
        }
        return read(WorkingMemoryResponse, await self._transport.send("GET", _address(session_id), query=query))

    async def get_or_create_working_memory(
        self,
        session_id: str,
        user_id: str | None = None,
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        long_term_memory_strategy: MemoryStrategyConfig | None = None,
    ) -> tuple[bool, WorkingMemoryResponse]:
        """Whether the session was made by this call, and the session. A strategy is for a new session only."""
        where = (user_id, namespace, model_name, context_window_max)
        try:
            return False, await self.get_working_memory(session_id, *where)
        except MemoryNotFoundError:
            pass
        empty = WorkingMemory(
            session_id=session_id,
            namespace=self._namespace(namespace),
            user_id=user_id,
            data={},
            long_term_memory_strategy=long_term_memory_strategy or MemoryStrategyConfig(),
        )
        try:
            # The condition keeps a session that another caller makes meanwhile from being replaced by an empty one.
            made = await self._put(session_id, empty, model_name, context_window_max, {"If-None-Match": "*"})
        except MemoryConflictError:
            return False, await self.get_working_memory(session_id, *where)
        return True, made

    async def put_working_memory(
        self,
        session_id: str,
        memory: WorkingMemory,
        user_id: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        *,
        if_revision: int | None = None,
    ) -> WorkingMemoryResponse:
        """Replace the whole session by this one; what `memory` leaves out is reset.

        `memory.namespace` is filled in place with the default namespace; user_id serves when `memory` names no user.
        if_revision: replace only this revision, so that what others wrote since it was read is not lost. To add
        messages, append them. Raises: MemoryConflictError, when the session is at another revision.
        """
        if memory.namespace is None:
            memory.namespace = self.config.default_namespace
        if user_id is not None and memory.user_id is None:
            memory = memory.model_copy(update={"user_id": user_id})
        return await self._put(session_id, memory, model_name, context_window_max, only_revision(if_revision))

    async def _put(
        self,
        session_id: str,
        memory: WorkingMemory,
        model_name: str | None,
        context_window_max: int | None,
        headers: Mapping[str, str],
    ) -> WorkingMemoryResponse:
        request = checked(UpdateWorkingMemory, memory.model_dump())
        response = await self._transport.send(
            "PUT",
            _address(session_id),
            query=self._model(model_name, context_window_max),
            body=request.model_dump_json(exclude_none=True),
            headers=headers,
        )
        return read(WorkingMemoryResponse, response)

    async def delete_working_memory(
        self, session_id: str, namespace: str | None = None, user_id: str | None = None
    ) -> AckResponse:
        """Delete the session and its messages; also `ok` when there is none. Long-term memories stay."""
        query = {"namespace": self._namespace(namespace), "user_id": user_id}
        return read(AckResponse, await self._transport.send("DELETE", _address(session_id), query=query))

    async def append_messages(
        self,
        session_id: str,
        messages: Sequence[Mapping[str, Any] | MemoryMessage],
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        ttl_seconds: int | None = None,
        long_term_memory_strategy: MemoryStrategyConfig | None = None,
    ) -> AppendMessagesResponse:
        """Add messages behind the last one of a session, which is made when it is not there. Its length costs nothing.

        A dictionary needs role and content; id, created_at and the other members of a message are kept. A message that
        the session holds already is left as it is, so the call may be repeated.
        """
        request = checked(
            AppendMessagesRequest,
            {
                "messages": [_message(message) for message in messages],
                "namespace": self._namespace(namespace),
                "user_id": user_id,
                "ttl_seconds": ttl_seconds,
                "long_term_memory_strategy": long_term_memory_strategy and long_term_memory_strategy.model_dump(),
            },
        )
        response = await self._transport.send(
            "POST",
            f"{_address(session_id)}/messages",
            body=request.model_dump_json(exclude_none=True),
            headers={"Idempotency-Key": new_id()},
        )
        return read(AppendMessagesResponse, response)

    async def append_messages_to_working_memory(
        self,
        session_id: str,
        messages: Sequence[Mapping[str, Any] | MemoryMessage],
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        user_id: str | None = None,
    ) -> WorkingMemoryResponse:
        """Add messages and read the session back. `append_messages` does not read and is cheaper."""
        await self.append_messages(session_id, messages, namespace=namespace, user_id=user_id)
        return await self.get_working_memory(session_id, user_id, namespace, model_name, context_window_max)

"""Calls on working memory as a whole: listing, reading, replacing and deleting sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from agent_memory_client._async.base import Calls
from agent_memory_client._async.transport import Query, only_revision, segment
from agent_memory_client.answers import checked, read
from agent_memory_client.exceptions import MemoryConflictError, MemoryNotFoundError
from agent_memory_client.models.sessions import (
    MemoryStrategyConfig,
    SessionListResponse,
    UpdateWorkingMemory,
    WorkingMemory,
    WorkingMemoryResponse,
)
from agent_memory_client.models.writes import AckResponse


def session_address(session_id: str) -> str:
    """The path of a session. Raises: MemoryValidationError for an id that no path can carry."""
    return f"/v1/working-memory/{segment(session_id, 'session_id')}"


class SessionCalls(Calls):
    """Working memory: the messages, structured memories, data and running summary of sessions."""

    async def list_sessions(
        self, limit: int = 20, offset: int = 0, namespace: str | None = None, user_id: str | None = None
    ) -> SessionListResponse:
        """A page of session ids, oldest session first, and how many there are in all. limit: 1 … 100.

        >>> created, session = await client.get_or_create_working_memory("s1")
        >>> page = await client.list_sessions(limit=5)
        >>> page.sessions, page.total
        (['s1'], 1)
        """
        query = {"limit": limit, "offset": offset, "namespace": self._namespace(namespace), "user_id": user_id}
        return read(SessionListResponse, await self._transport.send("GET", "/v1/working-memory/", query=query))

    async def list_all_sessions(
        self, *, namespace: str | None = None, user_id: str | None = None, page_size: int = 100
    ) -> AsyncIterator[str]:
        """Every session id, oldest session first, read page by page as it is consumed.

        >>> for name in ("s1", "s2", "s3"):
        ...     appended = await client.append_messages(name, [{"role": "user", "content": "Hello"}])
        >>> [session_id async for session_id in client.list_all_sessions(page_size=2)]
        ['s1', 's2', 's3']
        """
        offset = 0
        while True:
            page = await self.list_sessions(page_size, offset, namespace, user_id)
            for session_id in page.sessions:
                yield session_id
            offset += page_size
            if offset >= page.total:
                return

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

        >>> appended = await client.append_messages("s1", [{"role": "user", "content": "Hello"}])
        >>> session = await client.get_working_memory("s1")
        >>> session.messages[0].content, session.revision
        ('Hello', 1)
        """
        options = {**self._model(model_name, context_window_max), "recent_messages_limit": recent_messages_limit}
        return await self._get(session_id, user_id, namespace, options)

    async def _get(
        self, session_id: str, user_id: str | None, namespace: str | None, options: Query
    ) -> WorkingMemoryResponse:
        query = {**options, "user_id": user_id, "namespace": self._namespace(namespace)}
        return read(WorkingMemoryResponse, await self._transport.send("GET", session_address(session_id), query=query))

    async def get_or_create_working_memory(
        self,
        session_id: str,
        user_id: str | None = None,
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        long_term_memory_strategy: MemoryStrategyConfig | None = None,
    ) -> tuple[bool, WorkingMemoryResponse]:
        """Whether the session was made by this call, and the session. A strategy is for a new session only.

        A live session is never overwritten: the new one is stored only where still none is, and another failure than
        "not found" is raised.

        >>> created, session = await client.get_or_create_working_memory("s1", user_id="ana")
        >>> created, session.user_id
        (True, 'ana')
        >>> created, session = await client.get_or_create_working_memory("s1", user_id="ana")
        >>> created
        False
        """
        where = (user_id, namespace, model_name, context_window_max)
        try:
            found = await self.get_working_memory(session_id, *where)
        except MemoryNotFoundError:
            pass
        else:
            if not found.unsaved:  # servers before 0.13 answer a missing session with an empty one
                return False, found
        empty = WorkingMemory(
            session_id=session_id,
            namespace=self._namespace(namespace),
            user_id=user_id,
            data={},
            long_term_memory_strategy=long_term_memory_strategy or MemoryStrategyConfig(),
        )
        try:
            # The condition keeps a session that another caller makes meanwhile from being replaced by an empty one.
            made = await self._put(
                session_id, empty.model_dump(), model_name, context_window_max, {"If-None-Match": "*"}
            )
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
        if_revision: replace only this revision, so that what others wrote since it was read is not lost; 0 stores the
        session only where none is stored. To add messages, append them. Raises: MemoryConflictError, when the session
        is at another revision.

        >>> from agent_memory_client.models import MemoryMessage, WorkingMemory
        >>> memory = WorkingMemory(session_id="s1", messages=[MemoryMessage(role="user", content="Hello")])
        >>> session = await client.put_working_memory("s1", memory, if_revision=0)
        >>> len(session.messages), session.revision
        (1, 1)
        """
        if memory.namespace is None:
            memory.namespace = self.config.default_namespace
        if user_id is not None and memory.user_id is None:
            memory = memory.model_copy(update={"user_id": user_id})
        condition = revision_of_session(if_revision)
        return await self._put(session_id, memory.model_dump(), model_name, context_window_max, condition)

    async def _put(
        self,
        session_id: str,
        members: Mapping[str, Any],
        model_name: str | None,
        context_window_max: int | None,
        headers: Mapping[str, str],
    ) -> WorkingMemoryResponse:
        request = checked(UpdateWorkingMemory, members)
        response = await self._transport.send(
            "PUT",
            session_address(session_id),
            query=self._model(model_name, context_window_max),
            body=request.model_dump_json(exclude_none=True),
            headers=headers,
            writes=True,
        )
        return read(WorkingMemoryResponse, response)

    async def delete_working_memory(
        self, session_id: str, namespace: str | None = None, user_id: str | None = None
    ) -> AckResponse:
        """Delete the session and its messages; also `ok` when there is none. Long-term memories stay.

        >>> (await client.delete_working_memory("s1")).status
        'ok'
        """
        query = {"namespace": self._namespace(namespace), "user_id": user_id}
        return read(
            AckResponse, await self._transport.send("DELETE", session_address(session_id), query=query, writes=True)
        )


def revision_of_session(revision: int | None) -> dict[str, str]:
    """Headers that make a put depend on the revision; revision 0 is that of a session that is not stored."""
    return {"If-None-Match": "*"} if revision == 0 else only_revision(revision)

"""Calls that change a part of a session, and lose nothing that others write to it meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from agent_memory_client._async.records import RecordCalls
from agent_memory_client._async.sessions import SessionCalls, revision_of_session, session_address
from agent_memory_client.answers import checked, read
from agent_memory_client.changes import MergeStrategy, MessageLike, merged, plain_message, with_records
from agent_memory_client.conditions import RecordInput, plain_record
from agent_memory_client.exceptions import MemoryConflictError, MemoryNotFoundError
from agent_memory_client.models.sessions import (
    AppendMessagesRequest,
    AppendMessagesResponse,
    MemoryStrategyConfig,
    WorkingMemory,
    WorkingMemoryResponse,
)
from agent_memory_client.models.writes import AckResponse

Members: TypeAlias = dict[str, Any]
"""A session as the members of a request."""

_ATTEMPTS = 50
"""Of several writers one succeeds at each turn, so this many writers of one session come through."""

_PAUSE_S = 0.01


class SessionChanges(SessionCalls, RecordCalls):
    """Changes to sessions. All but `append_messages` read the session and put it back at the revision that was read;
    when another writer was first they read again, so neither change is lost."""

    async def append_messages(
        self,
        session_id: str,
        messages: Sequence[MessageLike],
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        ttl_seconds: int | None = None,
        long_term_memory_strategy: MemoryStrategyConfig | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
    ) -> AppendMessagesResponse:
        """Add messages behind the last one of a session, which is made when it is not there. Its length costs nothing.

        A dictionary needs role and content; id, created_at and the other members of a message are kept. A message that
        the session holds already, or has folded into its summary, is left as it is, so the call may be repeated.
        model_name, context_window_max: the window (tokens) into which the server folds the session when it has outgrown
        it.

        >>> answer = await client.append_messages("s1", [{"role": "user", "content": "I moved to Lisbon."}])
        >>> answer.message_count, answer.messages[0].role
        (1, 'user')
        """
        request = checked(
            AppendMessagesRequest,
            {
                "messages": [plain_message(message) for message in messages],
                "namespace": self._namespace(namespace),
                "user_id": user_id,
                "ttl_seconds": ttl_seconds,
                "long_term_memory_strategy": long_term_memory_strategy and long_term_memory_strategy.model_dump(),
            },
        )
        response = await self._transport.send(
            "POST",
            f"{session_address(session_id)}/messages",
            body=request.model_dump_json(exclude_none=True),
            query=self._model(model_name, context_window_max),
            writes=True,
        )
        return read(AppendMessagesResponse, response)

    async def append_messages_to_working_memory(
        self,
        session_id: str,
        messages: Sequence[MessageLike],
        namespace: str | None = None,
        model_name: str | None = None,
        context_window_max: int | None = None,
        user_id: str | None = None,
    ) -> WorkingMemoryResponse:
        """Add messages and read the session back. `append_messages` does not read and is cheaper.

        >>> session = await client.append_messages_to_working_memory("s1", [{"role": "user", "content": "Hello"}])
        >>> [message.content for message in session.messages]
        ['Hello']
        """
        await self.append_messages(
            session_id,
            messages,
            namespace=namespace,
            user_id=user_id,
            model_name=model_name,
            context_window_max=context_window_max,
        )
        return await self.get_working_memory(session_id, user_id, namespace, model_name, context_window_max)

    async def set_working_memory_data(
        self,
        session_id: str,
        data: Mapping[str, Any],
        namespace: str | None = None,
        preserve_existing: bool = True,
        *,
        user_id: str | None = None,
    ) -> WorkingMemoryResponse:
        """Replace the session's data, making the session when it is not there.

        preserve_existing: False also drops its messages, memories and summary.

        >>> session = await client.set_working_memory_data("s1", {"language": "pt"})
        >>> session.data
        {'language': 'pt'}
        """

        def replace(session: Members) -> Members:
            kept = session if preserve_existing else {name: session[name] for name in ("namespace", "user_id")}
            return {**kept, "data": dict(data)}

        return await self._change(session_id, replace, namespace, user_id)

    async def update_working_memory_data(
        self,
        session_id: str,
        data_updates: Mapping[str, Any],
        namespace: str | None = None,
        merge_strategy: MergeStrategy = "merge",
        user_id: str | None = None,
    ) -> WorkingMemoryResponse:
        """Update the session's data, making the session when it is not there.

        merge_strategy: `merge` sets the given members, `deep_merge` does so inside nested objects too, `replace` drops
        the others. Raises: MemoryValidationError for another strategy.

        >>> session = await client.update_working_memory_data("s1", {"trip": {"to": "Porto"}})
        >>> session = await client.update_working_memory_data("s1", {"trip": {"days": 3}}, merge_strategy="deep_merge")
        >>> session.data
        {'trip': {'to': 'Porto', 'days': 3}}
        """
        merged(None, data_updates, merge_strategy)  # refuses an unknown strategy before anything is asked

        def update(session: Members) -> Members:
            return {**session, "data": merged(session["data"], data_updates, merge_strategy)}

        return await self._change(session_id, update, namespace, user_id)

    async def add_memories_to_working_memory(
        self,
        session_id: str,
        memories: Sequence[RecordInput],
        namespace: str | None = None,
        replace: bool = False,
        *,
        user_id: str | None = None,
    ) -> WorkingMemoryResponse:
        """Add structured memories to the session, making it when it is not there; ids are made where they are missing.

        A memory whose id the session holds takes that one's place. replace: drop those that are there.

        >>> session = await client.add_memories_to_working_memory("s1", [{"text": "Ana prefers tea"}])
        >>> [memory.text for memory in session.memories]
        ['Ana prefers tea']
        """
        place = self._namespace(namespace)
        added = [{"memory_type": "semantic", **plain_record(memory, place, user_id=user_id)} for memory in memories]

        def add(session: Members) -> Members:
            return {**session, "memories": with_records(session["memories"], added, replace=replace)}

        return await self._change(session_id, add, namespace, user_id)

    async def promote_working_memories_to_long_term(
        self,
        session_id: str,
        memory_ids: Sequence[str] | None = None,
        namespace: str | None = None,
        *,
        user_id: str | None = None,
    ) -> AckResponse:
        """Store the session's structured memories, or those with these ids, as long-term memories now.

        `ok` when there are none. The server does the same by itself soon after they are added.

        >>> session = await client.add_memories_to_working_memory("s1", [{"text": "Ana prefers tea"}])
        >>> (await client.promote_working_memories_to_long_term("s1")).status
        'ok'
        """
        session = await self.get_working_memory(session_id, user_id, namespace)
        wanted = None if memory_ids is None else set(memory_ids)
        chosen = [memory for memory in session.memories if wanted is None or memory.id in wanted]
        return await self.create_long_term_memory(chosen) if chosen else AckResponse(status="ok")

    async def _change(
        self, session_id: str, change: Callable[[Members], Members], namespace: str | None, user_id: str | None
    ) -> WorkingMemoryResponse:
        """Read, change, and put back what was read at exactly that revision; again where another writer was first."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                # Without the client's default model: a session shortened to a model's window is not the whole one.
                found = await self._get(session_id, user_id, namespace, {})
            except MemoryNotFoundError:
                place = self._namespace(namespace)
                session = WorkingMemory(session_id=session_id, namespace=place, user_id=user_id, data={}).model_dump()
                condition = revision_of_session(0)
            else:
                session, condition = found.model_dump(), revision_of_session(found.revision)
            try:
                return await self._put(session_id, change(session), None, None, condition)
            except MemoryConflictError:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE_S * random.random())  # noqa: S311 - apart from the other writers
        raise AssertionError("the last attempt returns or raises")

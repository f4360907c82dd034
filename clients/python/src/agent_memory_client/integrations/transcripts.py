"""Messages of a framework in a session: plain ones as they are, others as JSON under a role of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent_memory_client._async.client import MemoryAPIClient
from agent_memory_client.exceptions import MemoryNotFoundError
from agent_memory_client.models.messages import MemoryMessage
from agent_memory_client.models.sessions import WorkingMemory, WorkingMemoryResponse

WHOLE_WINDOW = 2_147_483_647
"""Tokens: more than any session has, so that a default model of the client does not shorten what is read."""


def plain(role: str, content: str) -> dict[str, str] | None:
    """A message that any reader of the session understands; None for one without text."""
    return {"role": role, "content": content} if content.strip() else None


def packed(kind: str, value: Mapping[str, Any]) -> dict[str, str]:
    """A message that only its framework understands, as JSON."""
    return {"role": kind, "content": json.dumps(value, ensure_ascii=False)}


def unpacked(kind: str, message: MemoryMessage) -> dict[str, Any] | None:
    """What `packed` put there under this kind; None for a plain message."""
    if message.role != kind:
        return None
    value: dict[str, Any] = json.loads(message.content)
    return value


async def whole_session(
    client: MemoryAPIClient, session_id: str, namespace: str | None, user_id: str | None
) -> WorkingMemoryResponse | None:
    """The session with all its messages; None when there is none."""
    try:
        return await client.get_working_memory(session_id, user_id, namespace, context_window_max=WHOLE_WINDOW)
    except MemoryNotFoundError:
        return None


def emptied(session_id: str, namespace: str | None, user_id: str | None) -> WorkingMemory:
    """A session without messages. A deleted one could be put together again from the records of its messages."""
    return WorkingMemory(session_id=session_id, namespace=namespace, user_id=user_id)

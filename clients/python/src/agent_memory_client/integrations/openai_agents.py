"""OpenAI Agents SDK: a session whose items live in working memory. Needs openai-agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_memory_client._async.client import MemoryAPIClient
from agent_memory_client.exceptions import MemoryConflictError
from agent_memory_client.integrations.transcripts import emptied, packed, plain, unpacked, whole_session
from agent_memory_client.models.messages import MemoryMessage

if TYPE_CHECKING:
    from agents.memory import SessionSettings

_KIND = "openai-agents"
_ATTEMPTS = 50


def _stored(item: dict[str, Any]) -> dict[str, str]:
    role, content = item.get("role"), item.get("content")
    simple = None
    if set(item) == {"role", "content"} and isinstance(role, str) and isinstance(content, str) and role != _KIND:
        simple = plain(role, content)
    return simple or packed(_KIND, item)


def _restored(message: MemoryMessage) -> dict[str, Any]:
    return unpacked(_KIND, message) or {"role": message.role, "content": message.content}


class MemorySession:
    """A session for `Runner.run(agent, input, session=…)`. Plain messages are readable, and searched, as any others."""

    def __init__(
        self,
        memory_client: MemoryAPIClient,
        session_id: str,
        user_id: str | None = None,
        namespace: str | None = None,
        session_settings: SessionSettings | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings = session_settings
        self._client = memory_client
        self._where = (session_id, namespace, user_id)

    async def get_items(self, limit: int | None = None) -> list[Any]:
        """The items, oldest first; with a limit, the latest so many."""
        if limit is None:
            limit = getattr(self.session_settings, "limit", None)
        session = await whole_session(self._client, *self._where)
        items = [_restored(message) for message in session.messages] if session else []
        return items if limit is None else items[max(0, len(items) - limit) :]

    async def add_items(self, items: list[Any]) -> None:
        """Add items behind the last one."""
        session_id, namespace, user_id = self._where
        messages = [_stored(dict(item)) for item in items]
        if messages:
            await self._client.append_messages(session_id, messages, namespace=namespace, user_id=user_id)

    async def pop_item(self) -> Any | None:
        """Take the latest item out and return it; None when there is none."""
        for attempt in range(1, _ATTEMPTS + 1):
            session = await whole_session(self._client, *self._where)
            if session is None or not session.messages:
                return None
            shorter = session.model_copy(update={"messages": session.messages[:-1]})
            try:
                await self._client.put_working_memory(self.session_id, shorter, if_revision=session.revision)
            except MemoryConflictError:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return _restored(session.messages[-1])
        return None

    async def clear_session(self) -> None:
        """Empty the session. Long-term memories stay."""
        await self._client.put_working_memory(self.session_id, emptied(*self._where))

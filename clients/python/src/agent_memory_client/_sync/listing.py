"""Calls that walk long-term memory without searching it."""

from __future__ import annotations

from collections.abc import Iterator

from agent_memory_client._sync.base import Calls
from agent_memory_client._sync.records import RECORDS
from agent_memory_client.answers import read
from agent_memory_client.models.enums import MemoryTypeEnum
from agent_memory_client.models.records import MemoryRecord
from agent_memory_client.models.search import MemoryListResponse


class ListingCalls(Calls):
    """Long-term memory, page by page and record by record."""

    def list_long_term_memories(
        self,
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        memory_type: MemoryTypeEnum | str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> MemoryListResponse:
        """A page of records, newest first. limit: 1 … 100; cursor: `next_cursor` of the page before.

        >>> ack = client.create_long_term_memory([{"text": "Ana prefers tea", "user_id": "ana"}])
        >>> page = client.list_long_term_memories(user_id="ana")
        >>> [record.text for record in page.memories], page.next_cursor
        (['Ana prefers tea'], None)
        """
        query = {
            "namespace": self._namespace(namespace),
            "user_id": user_id,
            "session_id": session_id,
            "memory_type": None if memory_type is None else str(memory_type),
            "limit": limit,
            "cursor": cursor,
        }
        return read(MemoryListResponse, self._transport.send("GET", RECORDS, query=query))

    def list_all_long_term_memories(
        self,
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        memory_type: MemoryTypeEnum | str | None = None,
        page_size: int = 100,
    ) -> Iterator[MemoryRecord]:
        """Every record, newest first, read page by page as it is consumed; memory use does not grow with the listing.

        >>> ack = client.create_long_term_memory([{"text": f"Fact {number}"} for number in range(5)])
        >>> texts = [record.text for record in client.list_all_long_term_memories(page_size=2)]
        >>> len(texts)
        5
        """
        cursor = None
        while True:
            page = self.list_long_term_memories(
                namespace=namespace,
                user_id=user_id,
                session_id=session_id,
                memory_type=memory_type,
                limit=page_size,
                cursor=cursor,
            )
            for record in page.memories:
                yield record
            cursor = page.next_cursor
            if cursor is None:
                return

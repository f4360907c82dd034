"""Calls on single records of long-term memory: creating, reading, changing and deleting them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agent_memory_client._async.base import Calls
from agent_memory_client._async.transport import only_revision, segment
from agent_memory_client.answers import checked, read
from agent_memory_client.conditions import RecordInput, plain_record
from agent_memory_client.exceptions import MemoryValidationError
from agent_memory_client.models.records import MemoryRecord
from agent_memory_client.models.search import MemoryHistoryResponse
from agent_memory_client.models.writes import AckResponse, CreateMemoryRecordRequest, EditMemoryRecordRequest

RECORDS = "/v1/long-term-memory"


class RecordCalls(Calls):
    """Long-term memory, record by record."""

    async def create_long_term_memory(self, memories: Sequence[RecordInput], deduplicate: bool = True) -> AckResponse:
        """Store records; the answer's `items`, where the server sends them, tell what became of each.

        A record is an object or a dictionary of its members. One without a namespace gets the client's default, and
        one without an id a fresh one; in an object both are filled in place. A dictionary's memory_type is `semantic`
        unless it says `episodic`, `message`, or `preference` (a semantic memory with the topic `preference`).

        >>> answer = await client.create_long_term_memory([{"text": "Ana prefers tea", "memory_type": "preference"}])
        >>> answer.status, answer.items[0].status
        ('ok', 'created')
        """
        records = [plain_record(memory, self.config.default_namespace) for memory in memories]
        request = checked(CreateMemoryRecordRequest, {"memories": records, "deduplicate": deduplicate})
        response = await self._transport.send(
            "POST", f"{RECORDS}/", body=request.model_dump_json(exclude_none=True), writes=True
        )
        return read(AckResponse, response)

    async def create_long_term_memories(self, memories: Sequence[RecordInput], deduplicate: bool = True) -> AckResponse:
        """The same as `create_long_term_memory`, by the name that says that there may be many.

        >>> answer = await client.create_long_term_memories([{"text": "Ana is here"}, {"text": "Ana has a cat"}])
        >>> [item.status for item in answer.items]
        ['created', 'created']
        """
        return await self.create_long_term_memory(memories, deduplicate)

    async def bulk_create_long_term_memories(
        self,
        memory_batches: Sequence[Sequence[RecordInput]],
        batch_size: int = 100,
        delay_between_batches: float = 0.1,
    ) -> list[AckResponse]:
        """Store many records in requests of at most batch_size, one after another; an answer for each request.

        delay_between_batches: seconds between two requests. The first failure ends it: what was stored before stays.

        >>> batches = [[{"text": f"Fact number {number}"} for number in range(5)]]
        >>> answers = await client.bulk_create_long_term_memories(batches, batch_size=2, delay_between_batches=0)
        >>> [len(answer.items) for answer in answers]
        [2, 2, 1]
        """
        if batch_size < 1:
            raise MemoryValidationError(f"batch_size must be at least 1, not {batch_size}")
        chunks = [
            batch[start : start + batch_size] for batch in memory_batches for start in range(0, len(batch), batch_size)
        ]
        answers: list[AckResponse] = []
        for chunk in chunks:
            if answers and delay_between_batches > 0:
                await asyncio.sleep(delay_between_batches)
            answers.append(await self.create_long_term_memory(chunk))
        return answers

    async def get_long_term_memory(self, memory_id: str) -> MemoryRecord:
        """The record with this id. Raises: MemoryNotFoundError.

        >>> ack = await client.create_long_term_memory([{"id": "m1", "text": "Ana prefers tea"}])
        >>> (await client.get_long_term_memory("m1")).text
        'Ana prefers tea'
        """
        return read(MemoryRecord, await self._transport.send("GET", f"{RECORDS}/{segment(memory_id, 'memory_id')}"))

    async def get_long_term_memory_history(self, memory_id: str) -> MemoryHistoryResponse:
        """A record, its earlier versions and what it superseded, the current one first. Raises: MemoryNotFoundError.

        >>> ack = await client.create_long_term_memory([{"id": "m1", "text": "Ana prefers tea"}])
        >>> changed = await client.edit_long_term_memory("m1", {"text": "Ana prefers coffee"})
        >>> history = await client.get_long_term_memory_history("m1")
        >>> [version.text for version in history.versions[:2]]
        ['Ana prefers coffee', 'Ana prefers tea']
        """
        path = f"{RECORDS}/{segment(memory_id, 'memory_id')}/history"
        return read(MemoryHistoryResponse, await self._transport.send("GET", path))

    async def edit_long_term_memory(
        self, memory_id: str, updates: Mapping[str, Any], *, if_revision: int | None = None
    ) -> MemoryRecord:
        """Change the given members of a record (EditMemoryRecordRequest tells which there are) and return it.

        if_revision: change only this revision. Raises: MemoryNotFoundError; MemoryConflictError, when the record is at
        another revision.

        >>> ack = await client.create_long_term_memory([{"id": "m1", "text": "Ana prefers tea"}])
        >>> record = await client.edit_long_term_memory("m1", {"text": "Ana prefers coffee", "pinned": True})
        >>> record.text, record.revision
        ('Ana prefers coffee', 2)
        """
        request = checked(EditMemoryRecordRequest, dict(updates))
        response = await self._transport.send(
            "PATCH",
            f"{RECORDS}/{segment(memory_id, 'memory_id')}",
            body=request.model_dump_json(exclude_none=True),
            headers=only_revision(if_revision),
            writes=True,
        )
        return read(MemoryRecord, response)

    async def delete_long_term_memories(self, memory_ids: Sequence[str]) -> AckResponse:
        """Delete records, at most 1000 in a call. Unknown ids are not errors; the status tells how many there were.

        >>> ack = await client.create_long_term_memory([{"id": "m1", "text": "Ana prefers tea"}])
        >>> (await client.delete_long_term_memories(["m1", "unknown"])).status
        'ok, deleted 1 memories'
        """
        query = {"memory_ids": list(memory_ids)}
        return read(AckResponse, await self._transport.send("DELETE", RECORDS, query=query, writes=True))

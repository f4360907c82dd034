"""Calls on long-term memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from agent_memory_client._async.base import Calls
from agent_memory_client._async.transport import only_revision, segment
from agent_memory_client.answers import checked, read
from agent_memory_client.models.enums import MemoryTypeEnum, SearchModeEnum
from agent_memory_client.models.fields import new_id
from agent_memory_client.models.filters import MemoryType as MemoryTypeFilter
from agent_memory_client.models.filters import TagFilter, TimeFilter
from agent_memory_client.models.forget import ForgetPolicy, ForgetRequest, ForgetResponse
from agent_memory_client.models.records import MemoryRecord
from agent_memory_client.models.search import (
    MemoryListResponse,
    MemoryRecordResultsResponse,
    RecencyConfig,
    SearchRequest,
)
from agent_memory_client.models.writes import AckResponse, CreateMemoryRecordRequest, EditMemoryRecordRequest

Tags: TypeAlias = TagFilter | Mapping[str, Any] | str | list[str]
Types: TypeAlias = MemoryTypeFilter | Mapping[str, Any] | str | list[str]
Times: TypeAlias = TimeFilter | Mapping[str, Any]

_RECORDS = "/v1/long-term-memory"


def _plain(condition: object) -> object:
    """A filter as the request takes it: an object as its given members, anything else as it is."""
    if isinstance(condition, TagFilter | TimeFilter | MemoryTypeFilter):
        return condition.model_dump(exclude_none=True)
    return dict(condition) if isinstance(condition, Mapping) else condition


def recency_members(recency: RecencyConfig | None) -> dict[str, float | bool]:
    """The recency options under the names that a search request gives them; only those that are set."""
    if recency is None:
        return {}
    own_names = {"recency_boost", "server_side_recency"}
    return {
        (name if name in own_names else f"recency_{name}"): member for name, member in recency if member is not None
    }


class MemoryCalls(Calls):
    """Long-term memory: durable records, created, changed, searched, listed and forgotten."""

    async def create_long_term_memory(self, memories: Sequence[MemoryRecord], deduplicate: bool = True) -> AckResponse:
        """Store records; the answer's `items`, where the server sends them, tell what became of each.

        A record without a namespace gets the default one, and one with an empty id a fresh id, both in place.
        """
        for memory in memories:
            if not memory.id:
                memory.id = new_id()
            if memory.namespace is None:
                memory.namespace = self.config.default_namespace
        records = [memory.model_dump(exclude_none=True) for memory in memories]
        request = checked(CreateMemoryRecordRequest, {"memories": records, "deduplicate": deduplicate})
        response = await self._transport.send(
            "POST",
            f"{_RECORDS}/",
            body=request.model_dump_json(exclude_none=True),
            headers={"Idempotency-Key": new_id()},
        )
        return read(AckResponse, response)

    async def get_long_term_memory(self, memory_id: str) -> MemoryRecord:
        """The record with this id. Raises: MemoryNotFoundError."""
        return read(MemoryRecord, await self._transport.send("GET", f"{_RECORDS}/{segment(memory_id, 'memory_id')}"))

    async def edit_long_term_memory(
        self, memory_id: str, updates: Mapping[str, Any], *, if_revision: int | None = None
    ) -> MemoryRecord:
        """Change the given members of a record (EditMemoryRecordRequest tells which there are) and return it.

        if_revision: change only this revision. Raises: MemoryNotFoundError; MemoryConflictError, when the record is at
        another revision.
        """
        request = checked(EditMemoryRecordRequest, dict(updates))
        address = f"{_RECORDS}/{segment(memory_id, 'memory_id')}"
        response = await self._transport.send(
            "PATCH", address, body=request.model_dump_json(exclude_none=True), headers=only_revision(if_revision)
        )
        return read(MemoryRecord, response)

    async def delete_long_term_memories(self, memory_ids: Sequence[str]) -> AckResponse:
        """Delete records, at most 1000 in a call. Unknown ids are not errors; the status tells how many there were."""
        return read(AckResponse, await self._transport.send("DELETE", _RECORDS, query={"memory_ids": list(memory_ids)}))

    async def list_long_term_memories(
        self,
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        memory_type: MemoryTypeEnum | str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> MemoryListResponse:
        """A page of records, newest first. limit: 1 … 100; cursor: `next_cursor` of the page before."""
        query = {
            "namespace": self._namespace(namespace),
            "user_id": user_id,
            "session_id": session_id,
            "memory_type": None if memory_type is None else str(memory_type),
            "limit": limit,
            "cursor": cursor,
        }
        return read(MemoryListResponse, await self._transport.send("GET", _RECORDS, query=query))

    async def search_long_term_memory(  # noqa: PLR0913, PLR0917 - a parameter for each member
        self,
        text: str | None,
        search_mode: SearchModeEnum | str = "semantic",
        hybrid_alpha: float | None = None,
        text_scorer: str | None = None,
        session_id: Tags | None = None,
        namespace: Tags | None = None,
        topics: Tags | None = None,
        entities: Tags | None = None,
        created_at: Times | None = None,
        last_accessed: Times | None = None,
        user_id: Tags | None = None,
        distance_threshold: float | None = None,
        memory_type: Types | None = None,
        extraction_strategy: Tags | None = None,
        recency: RecencyConfig | None = None,
        limit: int = 10,
        offset: int = 0,
        optimize_query: bool = False,
        *,
        event_date: Times | None = None,
        explain: bool | None = None,
    ) -> MemoryRecordResultsResponse:
        """Search by meaning, by words or by both; without text, list what passes the filters.

        A filter is an object of `agent_memory_client.filters`, a dictionary of its members, a string (equals) or a list
        of strings (any of them). The default namespace applies when none is given. `degraded` in the answer tells
        what did not run.
        """
        filters = {
            "session_id": session_id,
            "namespace": self.config.default_namespace if namespace is None else namespace,
            "topics": topics,
            "entities": entities,
            "created_at": created_at,
            "last_accessed": last_accessed,
            "user_id": user_id,
            "memory_type": memory_type,
            "extraction_strategy": extraction_strategy,
            "event_date": event_date,
        }
        options = {
            "hybrid_alpha": hybrid_alpha,
            "text_scorer": text_scorer,
            "distance_threshold": distance_threshold,
            "explain": explain,
        }
        request = checked(
            SearchRequest,
            {
                "text": text,
                "search_mode": search_mode,
                "limit": limit,
                "offset": offset,
                **{name: _plain(condition) for name, condition in filters.items() if condition is not None},
                **{name: option for name, option in options.items() if option is not None},
                **recency_members(recency),
            },
        )
        response = await self._transport.send(
            "POST",
            f"{_RECORDS}/search",
            query={"optimize_query": optimize_query},
            body=request.model_dump_json(exclude_unset=True),
        )
        return read(MemoryRecordResultsResponse, response)

    async def forget_long_term_memories(
        self,
        policy: ForgetPolicy,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        pinned_ids: Sequence[str] | None = None,
    ) -> ForgetResponse:
        """Delete what a policy lets go; dry_run only tells what that would be. Note that the default deletes."""
        request = checked(ForgetRequest, {"policy": policy, "pinned_ids": pinned_ids and list(pinned_ids)})
        response = await self._transport.send(
            "POST",
            f"{_RECORDS}/forget",
            query={
                "namespace": self._namespace(namespace),
                "user_id": user_id,
                "session_id": session_id,
                "limit": limit,
                "dry_run": dry_run,
            },
            body=request.model_dump_json(exclude_none=True),
            repeatable=dry_run,
        )
        return read(ForgetResponse, response)

    async def compact_long_term_memories(self, namespace: str | None = None, user_id: str | None = None) -> AckResponse:
        """Merge duplicates now, within the call; the status tells how many records remain."""
        query = {"namespace": self._namespace(namespace), "user_id": user_id}
        return read(
            AckResponse, await self._transport.send("POST", f"{_RECORDS}/compact", query=query, repeatable=False)
        )

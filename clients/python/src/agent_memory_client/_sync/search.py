"""Calls that search long-term memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agent_memory_client._sync.base import Calls
from agent_memory_client._sync.records import RECORDS
from agent_memory_client.answers import checked, read
from agent_memory_client.conditions import Tags, Times, Types, given_filters, recency_members
from agent_memory_client.models.enums import SearchModeEnum
from agent_memory_client.models.records import MemoryRecordResult
from agent_memory_client.models.search import MemoryRecordResultsResponse, RecencyConfig, SearchRequest


class SearchCalls(Calls):
    """Long-term memory, by what is looked for."""

    def search_long_term_memory(  # noqa: PLR0913, PLR0917 - a parameter for each member
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
        min_relevance: float | None = None,
        now: datetime | None = None,
        explain: bool | None = None,
        include_superseded: bool | None = None,
        as_of: datetime | str | None = None,
    ) -> MemoryRecordResultsResponse:
        """Search by meaning, by words or by both; without text, list what passes the filters.

        A filter is an object of `agent_memory_client.filters`, a dictionary of its members, a string (equals) or a list
        of strings (any of them). The default namespace applies when none is given. min_relevance (0 … 1) leaves out
        what is unlikely to answer; now is the time from which words like "yesterday" count. include_superseded: also
        what is no longer so; as_of: only what was so at that time, as it was then. `degraded` in the answer tells what
        did not run.

        >>> ack = client.create_long_term_memory([{"text": "Ana prefers tea", "user_id": "ana"}])
        >>> found = client.search_long_term_memory("What does Ana drink?", user_id="ana", limit=3)
        >>> [memory.text for memory in found.memories], found.total, found.next_offset
        (['Ana prefers tea'], 1, None)
        """
        filters: dict[str, Tags | Types | Times | None] = {
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
            "min_relevance": min_relevance,
            "now": now,
            "explain": explain,
            "include_superseded": include_superseded,
            "as_of": as_of,
        }
        request = checked(
            SearchRequest,
            {
                "text": text,
                "search_mode": search_mode,
                "limit": limit,
                "offset": offset,
                **given_filters(filters),
                **{name: option for name, option in options.items() if option is not None},
                **recency_members(recency),
            },
        )
        response = self._transport.send(
            "POST",
            f"{RECORDS}/search",
            query={"optimize_query": optimize_query},
            body=request.model_dump_json(exclude_unset=True),
        )
        return read(MemoryRecordResultsResponse, response)

    def search_all_long_term_memories(  # noqa: PLR0913, PLR0917 - a parameter for each member
        self,
        text: str | None,
        session_id: Tags | None = None,
        namespace: Tags | None = None,
        topics: Tags | None = None,
        entities: Tags | None = None,
        created_at: Times | None = None,
        last_accessed: Times | None = None,
        user_id: Tags | None = None,
        distance_threshold: float | None = None,
        memory_type: Types | None = None,
        batch_size: int = 50,
        *,
        search_mode: SearchModeEnum | str = "semantic",
        event_date: Times | None = None,
        recency: RecencyConfig | None = None,
    ) -> Iterator[MemoryRecordResult]:
        """Every result of a search, read in pages of batch_size (1 … 100) as it is consumed.

        The order is by fit alone unless `recency` says otherwise: a ranking by last access would shift under the
        reader, because reading a page counts as an access. No record comes twice.

        >>> ack = client.create_long_term_memory([{"text": f"Ana likes tea number {n}"} for n in range(5)])
        >>> found = [memory.id for memory in client.search_all_long_term_memories("tea", batch_size=2)]
        >>> len(found)
        5
        """
        seen: set[str] = set()
        offset: int | None = 0
        while offset is not None:
            page = self.search_long_term_memory(
                text,
                search_mode,
                session_id=session_id,
                namespace=namespace,
                topics=topics,
                entities=entities,
                created_at=created_at,
                last_accessed=last_accessed,
                user_id=user_id,
                distance_threshold=distance_threshold,
                memory_type=memory_type,
                event_date=event_date,
                recency=recency or RecencyConfig(recency_boost=False),
                limit=batch_size,
                offset=offset,
            )
            for memory in page.memories:
                if memory.id not in seen:
                    seen.add(memory.id)
                    yield memory
            # Servers before 0.15 tell no next offset: there, a full page may have another one behind it.
            full = len(page.memories) == batch_size
            offset = page.next_offset or (offset + batch_size if full else None)

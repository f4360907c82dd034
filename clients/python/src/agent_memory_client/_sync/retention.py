"""Calls that let go of records of long-term memory."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_client._sync.base import Calls
from agent_memory_client._sync.records import RECORDS
from agent_memory_client.answers import checked, read
from agent_memory_client.models.forget import ForgetPolicy, ForgetRequest, ForgetResponse
from agent_memory_client.models.writes import AckResponse


class RetentionCalls(Calls):
    """Forgetting by policy, and merging duplicates."""

    def forget_long_term_memories(
        self,
        policy: ForgetPolicy,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        pinned_ids: Sequence[str] | None = None,
    ) -> ForgetResponse:
        """Delete what a policy lets go; dry_run only tells what that would be. Note that the default deletes.

        >>> from agent_memory_client import ForgetPolicy
        >>> ack = client.create_long_term_memory([{"text": "first"}, {"text": "second"}])
        >>> answer = client.forget_long_term_memories(ForgetPolicy(budget=1), dry_run=True)
        >>> answer.scanned, answer.deleted
        (2, 1)
        """
        request = checked(ForgetRequest, {"policy": policy, "pinned_ids": pinned_ids and list(pinned_ids)})
        response = self._transport.send(
            "POST",
            f"{RECORDS}/forget",
            query={
                "namespace": self._namespace(namespace),
                "user_id": user_id,
                "session_id": session_id,
                "limit": limit,
                "dry_run": dry_run,
            },
            body=request.model_dump_json(exclude_none=True),
            writes=not dry_run,
            repeatable=dry_run,
        )
        return read(ForgetResponse, response)

    def compact_long_term_memories(self, namespace: str | None = None, user_id: str | None = None) -> AckResponse:
        """Merge duplicates now, within the call; the status tells how many records remain.

        >>> twice = [{"text": "Ana prefers tea"}, {"text": "Ana prefers tea"}]
        >>> ack = client.create_long_term_memory(twice, deduplicate=False)
        >>> (client.compact_long_term_memories()).status
        'ok, 1 memories remaining after compaction'
        """
        query = {"namespace": self._namespace(namespace), "user_id": user_id}
        response = self._transport.send("POST", f"{RECORDS}/compact", query=query, writes=True, repeatable=False)
        return read(AckResponse, response)

"""Calls about what was decided about memories in the background."""

from __future__ import annotations

from agent_memory_client._async.base import Calls
from agent_memory_client.answers import read
from agent_memory_client.models.decisions import DecisionKind, DecisionListResponse, DecisionOutcome


class DecisionCalls(Calls):
    """What was merged into what, and what was proposed in vain."""

    async def list_decisions(  # noqa: PLR0913 - a parameter for each member
        self,
        *,
        memory_id: str | None = None,
        session_id: str | None = None,
        kind: DecisionKind | None = None,
        outcome: DecisionOutcome | None = None,
        reason: str | None = None,
        namespace: str | None = None,
        user_id: str | None = None,
        counts: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DecisionListResponse:
        """What was merged, superseded, labelled or read out of conversations, and what was refused and why; newest
        first. The server keeps the newest 10,000 decisions, with ids and reasons and without texts.

        memory_id: one of those it is about, or the one that stays. reason: a code, such as `number_name_or_date_lost`.
        counts: also how many there are by kind, outcome and reason. limit: 1 … 1,000. cursor: `next_cursor` of the page
        before.

        >>> found = await client.list_decisions(outcome="refused", counts=True)
        >>> found.decisions, found.counts
        ([], [])
        """
        given = {
            "memory_id": memory_id,
            "session_id": session_id,
            "kind": kind,
            "outcome": outcome,
            "reason": reason,
            "namespace": self._namespace(namespace),
            "user_id": user_id,
            "counts": "true" if counts else None,
            "limit": limit,
            "cursor": cursor,
        }
        query = {name: value for name, value in given.items() if value is not None}
        return read(DecisionListResponse, await self._transport.send("GET", "/v1/decisions", query=query))

"""The decision log, in Redis."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason, matches
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.decision_log import Counts, DecisionPage

DEFAULT_ENTRIES = 10_000
"""At most: some 4 MB."""

_FIELD = b"d"
_AT_ONCE = 500
_CURSOR = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_MOST = 2**64 - 1
"""Of either number of a stream's id."""


class RedisDecisionLog:
    """`DecisionLog` over a stream bounded in entries; who asks for some of them reads through all of them."""

    def __init__(self, client: Redis, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._client = client
        self._entries = entries

    async def add(self, decisions: Sequence[Decision]) -> None:
        """See `DecisionLog.add`."""
        if not decisions:
            return
        with translating():
            async with self._client.pipeline(transaction=False) as pipe:
                for decision in decisions:
                    words = ("XADD", keys.DECISION_LOG, "MAXLEN", self._entries, "*", _FIELD, _json(decision))
                    pipe.execute_command(*words)
                await pipe.execute()

    async def list(
        self, scope: Scope, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> DecisionPage:
        """See `DecisionLog.list`."""
        if cursor is not None and not _names_an_entry(cursor):
            raise InvalidRequest("the cursor is not one of this listing; start again without one", field="cursor")
        found: list[Decision] = []
        async for decision in self._newest_first(cursor):
            if matches(decision, scope, wanted):
                found.append(decision)
            if len(found) > limit:
                return DecisionPage(found[:limit], found[limit - 1].id)
        return DecisionPage(found, None)

    async def counts(self, scope: Scope, wanted: DecisionFilter) -> Counts:
        """See `DecisionLog.counts`."""
        counted: Counter[tuple[Kind, Outcome, Reason]] = Counter()
        async for decision in self._newest_first(None):
            if matches(decision, scope, wanted):
                counted[decision.kind, decision.outcome, decision.reason] += decision.count
        return counted

    async def _newest_first(self, before: str | None) -> AsyncIterator[Decision]:
        end = "+" if before is None else f"({before}"
        while entries := await command(self._client, "XREVRANGE", keys.DECISION_LOG, end, "-", "COUNT", _AT_ONCE):
            for id_, fields in entries:
                yield _decision(id_.decode(), fields[_FIELD])
            end = f"({entries[-1][0].decode()}"


def _names_an_entry(cursor: str) -> bool:
    found = _CURSOR.fullmatch(cursor)
    return found is not None and all(int(number) <= _MOST for number in found.groups())


def _json(decision: Decision) -> str:
    members = {name: member for name, member in asdict(decision).items() if name != "id"}
    return json.dumps(members)


def _decision(id_: str, text: bytes) -> Decision:
    members = json.loads(text)
    return Decision(
        **members
        | {
            "id": id_,
            "kind": Kind(members["kind"]),
            "outcome": Outcome(members["outcome"]),
            "reason": Reason(members["reason"]),
            "memory_ids": tuple(members["memory_ids"]),
            "message_ids": tuple(members["message_ids"]),
        }
    )

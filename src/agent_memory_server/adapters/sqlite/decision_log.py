"""The decision log, in the data folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import queries
from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.decision_log import Counts, DecisionPage

DEFAULT_ENTRIES = 10_000
"""At most: some 3 MB."""

_SQL = queries("decision_log")
_NEWEST = 2**62

Rows = list[tuple[Any, ...]]


class SqliteDecisionLog:
    """`DecisionLog` over a table bounded in entries."""

    def __init__(self, database: Database, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._database = database
        self._entries = entries

    async def add(self, decisions: Sequence[Decision]) -> None:
        """See `DecisionLog.add`."""
        rows = [_row(decision) for decision in decisions]

        def work(connection: apsw.Connection) -> None:
            connection.executemany(_SQL["add"], rows)
            connection.execute(_SQL["drop_up_to"], (self._entries,))

        if rows:
            await self._database.write(work)

    async def list(
        self, scope: Scope, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> DecisionPage:
        """See `DecisionLog.list`."""
        values = _values(scope, wanted) | {"before": _place(cursor), "limit": limit + 1}
        rows = await self._rows("list", values)
        found = [_decision(row) for row in rows[:limit]]
        return DecisionPage(found, found[-1].id if len(rows) > limit else None)

    async def counts(self, scope: Scope, wanted: DecisionFilter) -> Counts:
        """See `DecisionLog.counts`."""
        rows = await self._rows("counts", _values(scope, wanted))
        return {(Kind(kind), Outcome(outcome), Reason(reason)): count for kind, outcome, reason, count in rows}

    async def _rows(self, query: str, values: dict[str, Any]) -> Rows:
        def work(connection: apsw.Connection) -> Rows:
            return list(connection.execute(_SQL[query].replace("CONDITION", _SQL["matching"]), values))

        return await self._database.read(work)


def _place(cursor: str | None) -> int:
    if cursor is None:
        return _NEWEST
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) > _NEWEST:
        raise InvalidRequest("the cursor is not one of this listing; start again without one", field="cursor")
    return int(cursor)


def _values(scope: Scope, wanted: DecisionFilter) -> dict[str, Any]:
    return {
        "namespaces": None if scope.namespaces is None else json.dumps(sorted(scope.namespaces)),
        "users": None if scope.users is None else json.dumps(sorted(scope.users)),
        "kind": wanted.kind and wanted.kind.value,
        "outcome": wanted.outcome and wanted.outcome.value,
        "reason": wanted.reason and wanted.reason.value,
        "session_id": wanted.session_id,
        "namespace": wanted.namespace,
        "user_id": wanted.user_id,
        "memory_id": wanted.memory_id,
    }


def _row(decision: Decision) -> tuple[Any, ...]:
    return (
        decision.at,
        decision.kind.value,
        decision.outcome.value,
        decision.reason.value,
        decision.by,
        decision.namespace,
        decision.user_id,
        decision.session_id,
        json.dumps(decision.memory_ids),
        json.dumps(decision.message_ids),
        decision.into,
        decision.count,
    )


def _decision(row: tuple[Any, ...]) -> Decision:
    n, at, kind, outcome, reason, by, namespace, user_id, session_id, memory_ids, message_ids, into, count = row
    return Decision(
        id=str(n),
        at=at,
        kind=Kind(kind),
        outcome=Outcome(outcome),
        reason=Reason(reason),
        by=by,
        namespace=namespace,
        user_id=user_id,
        session_id=session_id,
        memory_ids=tuple(json.loads(memory_ids)),
        message_ids=tuple(json.loads(message_ids)),
        into=into,
        count=count,
    )

"""What was decided about memories, for the wire."""

from __future__ import annotations

from typing import Any

from agent_memory_server.domain.decision import Decision
from agent_memory_server.interfaces.convert.times import iso
from agent_memory_server.ports.decision_log import Counts, DecisionPage


def decision(one: Decision) -> dict[str, Any]:
    """The members of a `DecisionRecord`."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "kind": one.kind.value,
        "outcome": one.outcome.value,
        "reason": one.reason.value,
        "decided_by": one.by,
        "namespace": one.namespace or None,
        "user_id": one.user_id or None,
        "session_id": one.session_id or None,
        "memory_ids": list(one.memory_ids),
        "message_ids": list(one.message_ids),
        "into": one.into or None,
        "count": one.count,
    }


def counted(counts: Counts) -> list[dict[str, Any]]:
    """The members of each `DecisionCount`, most first."""
    return [
        {"kind": kind.value, "outcome": outcome.value, "reason": reason.value, "count": count}
        for (kind, outcome, reason), count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    ]


def decision_page(page: DecisionPage, counts: Counts | None) -> dict[str, Any]:
    """The members of a `DecisionListResponse`."""
    found = {"decisions": [decision(one) for one in page.decisions], "next_cursor": page.cursor}
    return found if counts is None else found | {"counts": counted(counts)}

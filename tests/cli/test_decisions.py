"""`agent-memory decisions`, where something was decided."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from agent_memory_server.domain.decision import Decision, Kind, Outcome, Reason
from tests.support.chosen_engine import decisions_in
from tests.support.processes import run

NOW = 1_790_000_000.0
MERGED = Decision(
    at=NOW, kind=Kind.MERGE, outcome=Outcome.DONE, reason=Reason.SAME, by="rules", memory_ids=("b",), into="a"
)
REFUSED = Decision(
    at=NOW,
    kind=Kind.EXTRACTION,
    outcome=Outcome.REFUSED,
    reason=Reason.NO_QUOTATION,
    by="some-model",
    user_id="ana",
    session_id="chat",
    message_ids=("m1",),
    count=2,
)


def decided(folder: Path) -> None:
    async def work() -> None:
        async with decisions_in(folder) as log:
            await log.add([MERGED, REFUSED])

    asyncio.run(work())


def test_decisions_are_listed_filtered_and_counted(folder: Path) -> None:
    assert run(folder, "decisions").stdout == "Nothing was decided.\n"
    decided(folder)
    assert run(folder, "decisions").stdout.splitlines() == [
        "2026-09-21T14:13:20Z  extraction refused: quotation_not_in_message (2 times)  m1  by some-model",
        "2026-09-21T14:13:20Z  merge done: same  b into a  by rules",
    ]
    listed = json.loads(run(folder, "decisions", "--memory", "a", "--json").stdout)
    assert [(one["kind"], one["into"], one["memory_ids"]) for one in listed] == [("merge", "a", ["b"])]
    assert "merge" not in run(folder, "decisions", "-u", "ana", "-s", "chat", "--outcome", "refused").stdout
    assert run(folder, "decisions", "--count").stdout.splitlines() == [
        "     2  extraction  refused  quotation_not_in_message",
        "     1  merge  done  same",
    ]
    counted = json.loads(run(folder, "decisions", "--count", "--kind", "merge", "--json").stdout)
    assert counted == [{"kind": "merge", "outcome": "done", "reason": "same", "count": 1}]

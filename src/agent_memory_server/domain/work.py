"""What an operator is told of background work."""

from __future__ import annotations

from agent_memory_server.domain.finding import Finding, State

_LATE_S = 60.0
_NAME = "background work"


def work_finding(*, waiting: int, running: int, dead: int, workers: int, late_s: float) -> Finding:
    """How background work stands. workers: processes that do it; late_s: how long a job that could run has waited."""
    counts = f"{waiting} jobs wait, {running} run; {workers} processes do them"
    if dead:
        remedy = "`agent-memory jobs dead` tells why, `jobs retry` runs them again"
        return Finding(_NAME, State.WARNING, f"{dead} jobs were given up: {remedy}; {counts}")
    if late_s < _LATE_S:
        return Finding(_NAME, State.OK, f"{counts}, and none was given up")
    remedy = "they do not keep up: start more" if workers else "start `agent-memory task-worker`"
    return Finding(_NAME, State.WARNING, f"a job has waited for {late_s:.0f} s; {counts}; {remedy}")

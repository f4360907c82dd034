"""Background work, as `doctor` tells of it."""

from __future__ import annotations

import pytest

from agent_memory_server.domain.finding import State
from agent_memory_server.domain.work import work_finding


@pytest.mark.parametrize(
    ("dead", "workers", "late_s", "state", "said"),
    [
        (0, 2, 3.0, State.OK, "4 jobs wait, 1 run; 2 processes do them, and none was given up"),
        (0, 0, 0.0, State.OK, "0 processes do them"),
        (3, 2, 0.0, State.WARNING, "3 jobs were given up: `agent-memory jobs dead` tells why"),
        (0, 2, 90.0, State.WARNING, "a job has waited for 90 s"),
        (0, 2, 90.0, State.WARNING, "they do not keep up"),
        (0, 0, 90.0, State.WARNING, "start `agent-memory task-worker`"),
    ],
)
def test_what_needs_an_operator_is_a_warning_with_its_remedy(
    dead: int, workers: int, late_s: float, state: State, said: str
) -> None:
    finding = work_finding(waiting=4, running=1, dead=dead, workers=workers, late_s=late_s)
    assert finding.state is state
    assert said in finding.detail

"""Summary views: a summary kept for every group of records, and the tasks that compute them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.scope import EVERYWHERE, Scope

GROUP_FIELDS = ("user_id", "namespace", "session_id", "memory_type")
"""What a view may group by."""

TASK_KEPT_S = 7 * 86_400.0
"""How long a task is kept after its last change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """filters: as they were given; filter: what they mean. scope: what the one who made the view may read: the view
    reads no more, and is seen only by those who may read all of it."""

    id: str
    name: str | None = None
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    filter: Filter = EVERYTHING
    time_window_days: int | None = None
    continuous: bool = False
    prompt: str | None = None
    model_name: str | None = None
    scope: Scope = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """The summary of one group. empty_reason: why there is none; computed_at: Unix seconds."""

    view_id: str
    group: Mapping[str, str]
    summary: str
    memory_count: int
    computed_at: float
    empty_reason: str | None = None


class TaskStatus(StrEnum):
    """pending → running → success or failed; final states stay."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


FINAL = frozenset({TaskStatus.SUCCESS, TaskStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A full run of a view. Times are Unix seconds."""

    id: str
    view_id: str
    created_at: float
    status: TaskStatus = TaskStatus.PENDING
    started_at: float | None = None
    completed_at: float | None = None
    error_message: str | None = None


def covers(outer: Scope, inner: Scope) -> bool:
    """Whether everything inside `inner` is inside `outer`."""
    return outer.intersect(inner) == inner

"""Background work, for operators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent_memory_client.models.fields import Id, StrictRequest, WireModel

_MOST = 1000


class JobFiguresResponse(WireModel):
    """How many jobs wait (due or not), run, and were given up.

    workers: processes that take jobs, seen within a minute and a half. oldest_due_at: since when a job has waited for a
    worker though it is due, ISO 8601 in UTC; null: none has.
    """

    waiting: int
    running: int
    dead: int
    workers: int | None = None
    oldest_due_at: str | None = None


class DeadJob(WireModel):
    """A job that was given up. error: the last reason, without memory text; failed_at: ISO 8601 in UTC."""

    id: str
    kind: str
    key: str
    arguments: dict[str, str]
    group: str
    attempts: int
    error: str
    failed_at: str


class DeadJobsResponse(WireModel):
    """Jobs that were given up, newest first; of one kind and key only the last."""

    jobs: list[DeadJob]


class JobIdsRequest(StrictRequest):
    """Which dead jobs are meant, 1 to 1000; one that is not there is no error."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=_MOST)]


class JobCountResponse(WireModel):
    """How many of the jobs were there."""

    count: int

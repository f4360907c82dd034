"""Durable summary views, their partitions, and the tasks that compute them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agent_memory_server.domain.view import Partition, Task, View


class ViewStore(Protocol):
    """Each call is atomic; what a completed call wrote is seen by the next read. Who may see a view is decided by the
    caller, by the view's scope. A failed engine raises Unavailable."""

    async def add(self, view: View) -> None:
        """Store a new view. Raises: Conflict, when the id is there."""
        ...

    async def find(self, view_id: str) -> View | None:
        """The view, if it is there."""
        ...

    async def list(self) -> Sequence[View]:
        """All views, by id (so, oldest first)."""
        ...

    async def delete(self, view_id: str) -> bool:
        """Delete a view with its partitions; whether it was there."""
        ...

    async def put_partition(self, partition: Partition) -> bool:
        """Keep a group's summary in place of the one before; whether the view was there: without it nothing is kept."""
        ...

    async def partitions(self, view_id: str) -> Sequence[Partition]:
        """All kept summaries of a view, by group."""
        ...

    async def put_task(self, task: Task, *, expires_at: float) -> None:
        """Keep a task until then (Unix seconds), in place of the one with its id."""
        ...

    async def find_task(self, task_id: str, *, now: float) -> Task | None:
        """The task, unless its time is over."""
        ...

    async def unfinished_tasks(self, *, now: float) -> Sequence[Task]:
        """Tasks that are pending or running, by id."""
        ...

    async def purge_tasks(self, *, now: float) -> int:
        """Drop tasks whose time is over; how many."""
        ...

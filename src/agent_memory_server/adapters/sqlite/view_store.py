"""Summary views, partitions and tasks in the data folder, each as one JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.view import FINAL, Partition, Task, TaskStatus, View
from agent_memory_server.domain.view_members import view_from, view_members

_SQL = queries("views")


class SqliteViewStore:
    """`ViewStore` over three tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, view: View) -> None:
        """Store a new view. Raises: Conflict, when the id is there."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SQL["add"], (view.id, json.dumps(view_members(view))))
            if not connection.changes():
                raise Conflict(f"summary view {view.id} is there already")

        await self._database.write(work)

    async def find(self, view_id: str) -> View | None:
        """The view, if it is there."""
        row = await self._database.read(lambda connection: fetch_row(connection, _SQL["find"], (view_id,)))
        return None if row is None else view_from(json.loads(row[0]))

    async def list(self) -> Sequence[View]:
        """All views, by id."""
        rows = await self._database.read(lambda connection: fetch(connection, _SQL["list"]))
        return [view_from(json.loads(body)) for (body,) in rows]

    async def delete(self, view_id: str) -> bool:
        """Delete a view with its partitions; whether it was there."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["drop_partitions"], (view_id,))
            connection.execute(_SQL["delete"], (view_id,))
            return connection.changes() > 0

        return await self._database.write(work)

    async def put_partition(self, partition: Partition) -> bool:
        """Keep a group's summary, unless the view is gone."""
        grouped = json.dumps(dict(partition.group), sort_keys=True)

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["put_partition"], (partition.view_id, grouped, json.dumps(asdict(partition))))
            return connection.changes() > 0

        return await self._database.write(work)

    async def partitions(self, view_id: str) -> Sequence[Partition]:
        """All kept summaries of a view, by group."""
        rows = await self._database.read(lambda connection: fetch(connection, _SQL["partitions"], (view_id,)))
        return [Partition(**json.loads(body)) for (body,) in rows]

    async def put_task(self, task: Task, *, expires_at: float) -> None:
        """Keep a task until then."""
        values = (task.id, int(task.status not in FINAL), expires_at, json.dumps(asdict(task)))
        await self._database.write(lambda connection: fetch(connection, _SQL["put_task"], values))

    async def find_task(self, task_id: str, *, now: float) -> Task | None:
        """The task, unless its time is over."""
        row = await self._database.read(lambda connection: fetch_row(connection, _SQL["find_task"], (task_id, now)))
        return None if row is None else _task(row[0])

    async def unfinished_tasks(self, *, now: float) -> Sequence[Task]:
        """Tasks that are pending or running, by id."""
        rows = await self._database.read(lambda connection: fetch(connection, _SQL["unfinished"], (now,)))
        return [_task(body) for (body,) in rows]

    async def purge_tasks(self, *, now: float) -> int:
        """Drop tasks whose time is over; how many."""

        def work(connection: apsw.Connection) -> int:
            connection.execute(_SQL["purge"], (now,))
            return connection.changes()

        return await self._database.write(work)


def _task(body: str) -> Task:
    members = json.loads(body)
    return Task(**{**members, "status": TaskStatus(members["status"])})

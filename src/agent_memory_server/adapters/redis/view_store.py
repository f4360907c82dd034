"""Summary views, partitions and tasks in Redis, in the reference server's form.

What that cannot hold, what a view's filters mean and what its maker may read, is one further member, `agent_memory`.
A view is there as long as its own key is; everything else about it is read only then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.session_document import iso, unix, unix_or_none
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.filters import Filter, Match, Op, TagField, TextField
from agent_memory_server.domain.view import FINAL, TASK_KEPT_S, Partition, Task, TaskStatus, View
from agent_memory_server.domain.view_members import meaning_from, meaning_members

_OWN = "agent_memory"
_AT_ONCE = 500


class RedisViewStore:
    """`ViewStore` over strings of JSON."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def add(self, view: View) -> None:
        """Store a new view. Raises: Conflict, when the id is there."""
        await command(self._client, "SADD", keys.VIEWS, view.id)
        if not await command(self._client, "SET", keys.view(view.id), _view_json(view), "NX"):
            raise Conflict(f"summary view {view.id} is there already")

    async def find(self, view_id: str) -> View | None:
        """The view, if it is there."""
        text = await command(self._client, "GET", keys.view(view_id))
        return None if text is None else _view(json.loads(text))

    async def list(self) -> Sequence[View]:
        """All views, by id."""
        found = sorted(id_.decode() for id_ in await command(self._client, "SMEMBERS", keys.VIEWS))
        views = [_view(json.loads(text)) for text in await self._texts([keys.view(id_) for id_ in found])]
        return [view for view in views if view is not None]

    async def delete(self, view_id: str) -> bool:
        """Delete a view with its partitions; whether it was there."""
        text = await command(self._client, "GETDEL", keys.view(view_id))
        await command(self._client, "SREM", keys.VIEWS, view_id)
        for name in await self._partition_names(view_id, foreign=text is not None and _OWN not in json.loads(text)):
            await command(self._client, "DEL", keys.view_partition(view_id, name))
        await command(self._client, "DEL", keys.view_partitions(view_id))
        return text is not None

    async def put_partition(self, partition: Partition) -> bool:
        """Keep a group's summary, unless the view is gone."""
        if not await self._is_there(partition.view_id):
            return False
        name = keys.partition_name(partition.group)
        key = keys.view_partition(partition.view_id, name)
        await command(self._client, "SADD", keys.view_partitions(partition.view_id), name)
        await command(self._client, "SET", key, _partition_json(partition))
        if await self._is_there(partition.view_id):
            return True
        await command(self._client, "DEL", key)
        await command(self._client, "DEL", keys.view_partitions(partition.view_id))
        return False

    async def _is_there(self, view_id: str) -> bool:
        return bool(await command(self._client, "EXISTS", keys.view(view_id)))

    async def partitions(self, view_id: str) -> Sequence[Partition]:
        """All kept summaries of a view, by group."""
        text = await command(self._client, "GET", keys.view(view_id))
        if text is None:
            return []
        names = await self._partition_names(view_id, foreign=_OWN not in json.loads(text))
        texts = await self._texts([keys.view_partition(view_id, name) for name in names])
        found = [_partition(view_id, json.loads(each)) for each in texts]
        return sorted(found, key=lambda partition: json.dumps(dict(partition.group), sort_keys=True))

    async def _partition_names(self, view_id: str, *, foreign: bool) -> set[str]:
        """foreign: also those that another server stored, which takes a walk over all keys."""
        names = {name.decode() for name in await command(self._client, "SMEMBERS", keys.view_partitions(view_id))}
        if foreign:
            start = keys.view_partition(view_id, "")
            with translating():
                async for key in self._client.scan_iter(match=f"{keys.literally(start)}*", count=1000, _type="string"):
                    names.add(key.decode().removeprefix(start))
        return names

    async def _texts(self, wanted: Sequence[str]) -> Sequence[bytes]:
        """The strings under these keys, without those that are not there."""
        found: list[bytes] = []
        for start in range(0, len(wanted), _AT_ONCE):
            async with self._client.pipeline(transaction=False) as pipe:
                for key in wanted[start : start + _AT_ONCE]:
                    pipe.execute_command("GET", key)
                with translating():
                    found += [text for text in await pipe.execute() if text is not None]
        return found

    async def put_task(self, task: Task, *, expires_at: float) -> None:
        """Keep a task until then."""
        await command(self._client, "ZADD", keys.TASKS, repr(expires_at), task.id)
        await command(self._client, "SADD", keys.UNFINISHED_TASKS, task.id)
        text = _task_json(task, expires_at)
        await command(self._client, "SET", keys.task(task.id), text, "EX", str(int(TASK_KEPT_S)))
        if task.status in FINAL:
            await command(self._client, "SREM", keys.UNFINISHED_TASKS, task.id)

    async def find_task(self, task_id: str, *, now: float) -> Task | None:
        """The task, unless its time is over."""
        text = await command(self._client, "GET", keys.task(task_id))
        return None if text is None else _task(json.loads(text), now=now)

    async def unfinished_tasks(self, *, now: float) -> Sequence[Task]:
        """Tasks that are pending or running, by id."""
        ids = sorted(id_.decode() for id_ in await command(self._client, "SMEMBERS", keys.UNFINISHED_TASKS))
        tasks = [_task(json.loads(text), now=now) for text in await self._texts([keys.task(id_) for id_ in ids])]
        return [task for task in tasks if task is not None and task.status not in FINAL]

    async def purge_tasks(self, *, now: float) -> int:
        """Drop tasks whose time is over; how many."""
        over = await command(self._client, "ZRANGEBYSCORE", keys.TASKS, "-inf", repr(now))
        for id_ in over:
            await command(self._client, "DEL", keys.task(id_.decode()))
            await command(self._client, "SREM", keys.UNFINISHED_TASKS, id_)
            await command(self._client, "ZREM", keys.TASKS, id_)
        return len(over)


def _view_json(view: View) -> str:
    members = {
        "id": view.id,
        "name": view.name,
        "source": "long_term",
        "group_by": list(view.group_by),
        "filters": dict(view.filters),
        "time_window_days": view.time_window_days,
        "continuous": view.continuous,
        "prompt": view.prompt,
        "model_name": view.model_name,
    }
    return json.dumps({**members, _OWN: meaning_members(view)})


def _view(members: Mapping[str, Any]) -> View | None:
    """The view; None for one of another server whose filters say what this server does not read."""
    filters = members.get("filters") or {}
    own = members.get(_OWN)
    if own is None:
        conditions = [_condition(name, value) for name, value in filters.items()]
        if None in conditions:
            return None
        meaning: dict[str, Any] = {"filter": Filter(tuple(one for one in conditions if one is not None))}
    else:
        meaning = meaning_from(own["filter"], own["scope"])
    return View(
        id=str(members["id"]),
        name=members.get("name"),
        group_by=tuple(members.get("group_by") or ()),
        filters=filters,
        time_window_days=members.get("time_window_days"),
        continuous=bool(members.get("continuous")),
        prompt=members.get("prompt"),
        model_name=members.get("model_name"),
        **meaning,
    )


def _condition(name: str, value: object) -> Match | None:
    """A filter of another server's view: a text means eq, a list any."""
    fields: dict[str, TextField | TagField] = {
        **{field.value: field for field in TextField},
        **{field.value: field for field in TagField},
    }
    values = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    if name not in fields or not values or (isinstance(value, list) and len(values) < len(value)):
        return None
    return Match(fields[name], Op.ANY, tuple(values))


def _partition_json(partition: Partition) -> str:
    return json.dumps(
        {
            "view_id": partition.view_id,
            "group": dict(partition.group),
            "summary": partition.summary,
            "memory_count": partition.memory_count,
            "computed_at": iso(partition.computed_at),
            "empty_reason": partition.empty_reason,
        }
    )


def _partition(view_id: str, members: Mapping[str, Any]) -> Partition:
    return Partition(
        view_id=view_id,
        group=members.get("group") or {},
        summary=str(members.get("summary") or ""),
        memory_count=int(members.get("memory_count") or 0),
        computed_at=unix(members.get("computed_at"), 0.0),
        empty_reason=members.get("empty_reason"),
    )


def _task_json(task: Task, expires_at: float) -> str:
    return json.dumps(
        {
            "id": task.id,
            "type": "summary_view_full_run",
            "status": task.status.value,
            "view_id": task.view_id,
            "created_at": iso(task.created_at),
            "started_at": iso(task.started_at),
            "completed_at": iso(task.completed_at),
            "error_message": task.error_message,
            "expires_at": expires_at,
        }
    )


def _task(members: Mapping[str, Any], *, now: float) -> Task | None:
    """The task; None when its time is over, or its status is none that is known."""
    if members.get("expires_at", now + 1) <= now or members.get("status") not in set(TaskStatus):
        return None
    return Task(
        id=str(members["id"]),
        view_id=str(members.get("view_id") or ""),
        created_at=unix(members.get("created_at"), 0.0),
        status=TaskStatus(members["status"]),
        started_at=unix_or_none(members.get("started_at")),
        completed_at=unix_or_none(members.get("completed_at")),
        error_message=members.get("error_message"),
    )

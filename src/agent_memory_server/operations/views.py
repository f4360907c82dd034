"""Summary views: made, listed, deleted, and computed group by group.

A view reads what the one who made it may read, and no more; it exists for those who may read all of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from agent_memory_server.domain.custom_prompts import refuse_overriding
from agent_memory_server.domain.errors import MemoryServerError, NotFound, RequestRefused
from agent_memory_server.domain.filters import Filter, TextField, TimeField, TimeRange, ValidAt, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.view import FINAL, GROUP_FIELDS, TASK_KEPT_S, Partition, Task, TaskStatus, View, covers
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.view_summary import USED_AT_MOST, summary_of
from agent_memory_server.ports.jobs import Job

KIND = "run_view"
FILTER_FIELDS = (*GROUP_FIELDS, "extraction_strategy", "topics", "event_date")
NO_MEMORIES = "no_matching_memories"
_PAGE = 1000
_DAY_S = 86_400.0

log = structlog.get_logger()


async def create_view(app: Application, principal: Principal, view: View) -> View:
    """Store a view, with the scope of its maker. Raises: RequestRefused for unknown fields, InvalidRequest for a prompt
    that tries to override instructions, Forbidden."""
    scope = require(principal, Action.WRITE)
    if view.prompt is not None:
        refuse_overriding(view.prompt, "prompt", field="prompt")
    for what, names, known in (
        ("group_by", view.group_by, GROUP_FIELDS),
        ("filter", view.filters, FILTER_FIELDS),
    ):
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise RequestRefused(f"Unsupported {what} fields: {', '.join(unknown)}; there are {', '.join(known)}")
    stored = replace(view, scope=scope)
    await app.views.add(stored)
    return stored


async def get_view(app: Application, principal: Principal, view_id: str, action: Action = Action.READ) -> View:
    """The view, if the caller may read all that it reads. Raises: NotFound, Forbidden."""
    scope = require(principal, action)
    view = await app.views.find(view_id)
    if view is None or not covers(scope, view.scope):
        raise NotFound(f"SummaryView {view_id} not found")
    return view


async def list_views(app: Application, principal: Principal) -> list[View]:
    """The views the caller may read, oldest first."""
    scope = require(principal, Action.READ)
    return [view for view in await app.views.list() if covers(scope, view.scope)]


async def delete_view(app: Application, principal: Principal, view_id: str) -> bool:
    """Delete a view and its summaries; whether there was one that the caller may read."""
    try:
        await get_view(app, principal, view_id, Action.WRITE)
    except NotFound:
        return False
    return await app.views.delete(view_id)


async def list_partitions(
    app: Application, principal: Principal, view_id: str, group: Mapping[str, str]
) -> list[Partition]:
    """The kept summaries whose group has these values; nothing is computed. Raises: NotFound."""
    await get_view(app, principal, view_id)
    kept = await app.views.partitions(view_id)
    return [one for one in kept if all(one.group.get(name) == value for name, value in group.items())]


async def run_partition(app: Application, principal: Principal, view_id: str, group: Mapping[str, str]) -> Partition:
    """Compute and keep one group's summary. Raises: NotFound; RequestRefused, when the group is not one of the view's;
    Unavailable, when the model fails: the summary kept before stays."""
    view = await get_view(app, principal, view_id, Action.WRITE)
    if sorted(group) != sorted(view.group_by):
        raise RequestRefused(f"group keys {sorted(group)} must exactly match view.group_by {sorted(view.group_by)}")
    return await _computed(app, view, group)


async def start_run(app: Application, principal: Principal, view_id: str, task_id: str) -> Task:
    """A task that computes every group in the background; one of that id is replaced. Raises: NotFound."""
    await get_view(app, principal, view_id, Action.WRITE)
    before = await app.views.find_task(task_id, now=app.clock())
    if before is not None:
        await get_task(app, principal, task_id)  # only one's own may be replaced
    task = Task(id=task_id, view_id=view_id, created_at=app.clock())
    await _keep(app, task)
    await _queue(app, task)
    return task


async def get_task(app: Application, principal: Principal, task_id: str) -> Task:
    """The task, if the caller may read its view. Raises: NotFound."""
    require(principal, Action.READ)
    task = await app.views.find_task(task_id, now=app.clock())
    try:
        if task is not None:
            await get_view(app, principal, task.view_id)
            return task
    except NotFound:
        log.debug("task.of_another", task=task_id)
    raise NotFound(f"Task {task_id} not found")


async def run_task(app: Application, task_id: str) -> None:
    """Do what a task stands for. Safe to repeat: one that is finished stays so."""
    task = await app.views.find_task(task_id, now=app.clock())
    if task is None or task.status in FINAL:
        return
    task = replace(task, status=TaskStatus.RUNNING, started_at=task.started_at or app.clock())
    await _keep(app, task)
    try:
        view = await app.views.find(task.view_id)
        if view is None:
            raise NotFound(f"SummaryView {task.view_id} not found")
        await run_view(app, view)
    except MemoryServerError as exc:
        await _keep(app, replace(task, status=TaskStatus.FAILED, completed_at=app.clock(), error_message=str(exc)))
        return
    await _keep(app, replace(task, status=TaskStatus.SUCCESS, completed_at=app.clock()))


async def run_view(app: Application, view: View) -> int:
    """Compute every group there is; how many. Raises: Unavailable; what was computed before it stays."""
    groups: dict[tuple[str, ...], None] = {}
    cursor: str | None = None
    while True:
        page = await app.memories.list(view.scope, _filter(app, view, {}), limit=_PAGE, cursor=cursor)
        for memory in page.memories:
            values = tuple(str(getattr(memory, name)) for name in view.group_by)
            if all(values):  # a record that lacks one of the fields is in no group
                groups[values] = None
        cursor = page.cursor
        if cursor is None:
            break
    for values in sorted(groups):
        await _computed(app, view, dict(zip(view.group_by, values, strict=True)))
    return len(groups)


async def refresh_views(app: Application) -> int:
    """Compute every continuous view again; how many. One that fails keeps none of the others from it."""
    await app.views.purge_tasks(now=app.clock())
    refreshed = 0
    for view in await app.views.list():
        if view.continuous:
            try:
                await run_view(app, view)
                refreshed += 1
            except MemoryServerError as exc:
                log.warning("view.not_refreshed", view=view.id, code=exc.code, reason=str(exc))
    return refreshed


async def sweep_tasks(app: Application) -> None:
    """Queue every task that is not finished."""
    for task in await app.views.unfinished_tasks(now=app.clock()):
        await _queue(app, task)


async def _queue(app: Application, task: Task) -> None:
    try:
        job = Job(kind=KIND, key=task.id, arguments={"task_id": task.id}, group=f"view:{task.view_id}")
        await app.jobs.add(job, due=app.clock())
    except MemoryServerError as exc:  # the sweep finds it
        log.warning("task.not_queued", code=exc.code, reason=str(exc))


async def _keep(app: Application, task: Task) -> None:
    await app.views.put_task(task, expires_at=app.clock() + TASK_KEPT_S)


def _filter(app: Application, view: View, group: Mapping[str, str]) -> Filter:
    """What a group's records satisfy: a group's value counts instead of a filter on the same field."""
    kept = tuple(one for one in view.filter.conditions if isinstance(one, ValidAt) or one.field.value not in group)
    filter_ = Filter(kept).also(*(only(TextField(name), value) for name, value in group.items()))
    if view.time_window_days is None:
        return filter_
    since = app.clock() - view.time_window_days * _DAY_S
    return filter_.also(TimeRange(field=TimeField.CREATED_AT, low=since))


async def _computed(app: Application, view: View, group: Mapping[str, str]) -> Partition:
    page = await app.memories.list(view.scope, _filter(app, view, group), order=Order.NEWEST, limit=USED_AT_MOST)
    now = app.clock()
    if not page.memories:
        partition = Partition(
            view_id=view.id, group=group, summary="", memory_count=0, computed_at=now, empty_reason=NO_MEMORIES
        )
    else:
        summary = await summary_of(app, view, group, _in_order(page.memories))
        partition = Partition(view_id=view.id, group=group, summary=summary, memory_count=page.total, computed_at=now)
    if not await app.views.put_partition(partition):
        raise NotFound(f"SummaryView {view.id} not found")
    return partition


def _in_order(memories: Sequence[Memory]) -> list[Memory]:
    return sorted(memories, key=lambda m: (m.event_date or m.created_at, m.created_at, m.session_id, m.id))

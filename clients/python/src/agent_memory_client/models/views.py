"""Summary views, their partitions, and the tasks that compute them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from agent_memory_client.models.enums import SummaryViewSource, TaskStatusEnum, TaskTypeEnum
from agent_memory_client.models.fields import (
    Flag,
    Id,
    Instructions,
    JsonObject,
    ModelName,
    Name,
    ScopeValue,
    StrictRequest,
    WireModel,
    utc_now,
)
from agent_memory_client.models.limits import MAX_DAYS, MAX_GROUP_FIELDS


class SummaryView(WireModel):
    """A summary kept for every group of records."""

    id: str
    name: str | None = None
    source: SummaryViewSource
    group_by: list[str] = Field(default_factory=list)
    filters: dict[str, Any] = Field(default_factory=dict)
    time_window_days: int | None = None
    continuous: bool = False
    prompt: str | None = None
    model_name: str | None = None


class CreateSummaryViewRequest(StrictRequest):
    """A view to create. Which fields group_by and filters may name is checked by the server (400)."""

    name: Name | None = None
    source: SummaryViewSource
    group_by: Annotated[list[Name], Field(max_length=MAX_GROUP_FIELDS)] = Field(default_factory=list)
    filters: JsonObject = Field(default_factory=dict)
    time_window_days: Annotated[int, Field(strict=True, ge=1, le=int(MAX_DAYS))] | None = None
    continuous: Flag = False
    prompt: Instructions | None = None
    model_name: ModelName | None = None


class RunSummaryViewPartitionRequest(StrictRequest):
    """The group to compute: one value for each field of the view's group_by."""

    group: Annotated[dict[Name, ScopeValue], Field(max_length=MAX_GROUP_FIELDS)]


class RunSummaryViewRequest(WireModel):
    """A full run. Other members, such as `force`, are ignored."""

    task_id: Id | None = None


class SummaryViewPartitionResult(WireModel):
    """The summary of one group; `empty_reason` tells why there is none."""

    view_id: str
    group: dict[str, str]
    summary: str = ""
    memory_count: int
    empty: bool = False
    empty_reason: str | None = None
    computed_at: datetime = Field(default_factory=utc_now)


class Task(WireModel):
    """Work that goes on behind a request."""

    id: str
    type: TaskTypeEnum
    status: TaskStatusEnum = TaskStatusEnum.PENDING
    view_id: str | None = None
    created_at: datetime = Field(default_factory=utc_now)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error_message: str | None = None

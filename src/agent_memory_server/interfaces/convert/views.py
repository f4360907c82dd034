"""Summary views and tasks between wire and domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agent_memory_client.models import CreateSummaryViewRequest, SearchRequest
from agent_memory_server.domain.errors import InvalidRequest, RequestRefused
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.view import Partition, Task, View
from agent_memory_server.interfaces.convert.filters import filter_of
from agent_memory_server.interfaces.convert.times import iso, iso_or_none
from agent_memory_server.operations.views import FILTER_FIELDS


def view_of(request: CreateSummaryViewRequest, view_id: str) -> View:
    """The view that is asked for. Raises: RequestRefused for another source; InvalidRequest for a filter's value."""
    if request.source.value != "long_term":
        raise RequestRefused("source must be 'long_term'; 'working_memory' is not supported")
    return View(
        id=view_id,
        name=request.name,
        group_by=tuple(dict.fromkeys(request.group_by)),
        filters=request.filters,
        filter=_filter_of(request.filters),
        time_window_days=request.time_window_days,
        continuous=request.continuous,
        prompt=request.prompt,
        model_name=request.model_name,
    )


def _filter_of(filters: Mapping[str, Any]) -> Filter:
    """A text means eq, a list any, an object a filter as in a search. Unknown fields are left to the operation."""
    if not set(filters) <= set(FILTER_FIELDS):
        return EVERYTHING
    asked = {name: _member(value) for name, value in filters.items()}
    try:
        return filter_of(SearchRequest.model_validate(asked))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, ("filters", *first["loc"])))
        raise InvalidRequest(first["msg"].removeprefix("Value error, "), field=place) from exc


def _member(value: object) -> object:
    if isinstance(value, dict):
        return value
    return {"any": value} if isinstance(value, list) else {"eq": value}


def view(stored: View) -> dict[str, Any]:
    """The members of a `SummaryView`."""
    return {
        "id": stored.id,
        "name": stored.name,
        "source": "long_term",
        "group_by": list(stored.group_by),
        "filters": dict(stored.filters),
        "time_window_days": stored.time_window_days,
        "continuous": stored.continuous,
        "prompt": stored.prompt,
        "model_name": stored.model_name,
    }


def partition(kept: Partition) -> dict[str, Any]:
    """The members of a `SummaryViewPartitionResult`."""
    return {
        "view_id": kept.view_id,
        "group": dict(kept.group),
        "summary": kept.summary,
        "memory_count": kept.memory_count,
        "empty": kept.empty_reason is not None,
        "empty_reason": kept.empty_reason,
        "computed_at": iso(kept.computed_at),
    }


def task(kept: Task) -> dict[str, Any]:
    """The members of a `Task`."""
    return {
        "id": kept.id,
        "type": "summary_view_full_run",
        "status": kept.status.value,
        "view_id": kept.view_id,
        "created_at": iso(kept.created_at),
        "started_at": iso_or_none(kept.started_at),
        "completed_at": iso_or_none(kept.completed_at),
        "error_message": kept.error_message,
    }

"""Calls on summary views, and on the tasks that compute them."""

from __future__ import annotations

from collections.abc import Mapping

from agent_memory_client._sync.base import Calls
from agent_memory_client._sync.transport import segment
from agent_memory_client.answers import checked, read, read_list
from agent_memory_client.exceptions import MemoryNotFoundError
from agent_memory_client.models.views import (
    CreateSummaryViewRequest,
    RunSummaryViewPartitionRequest,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
)
from agent_memory_client.models.writes import AckResponse

_VIEWS = "/v1/summary-views"


def _view(view_id: str, rest: str = "") -> str:
    return f"{_VIEWS}/{segment(view_id, 'view_id')}{rest}"


class ViewCalls(Calls):
    """Summaries that are kept for every group of records."""

    def list_summary_views(self) -> list[SummaryView]:
        """All views, in no particular order.

        >>> [view.name for view in client.list_summary_views()]
        []
        """
        return read_list(SummaryView, self._transport.send("GET", _VIEWS))

    def create_summary_view(self, request: CreateSummaryViewRequest) -> SummaryView:
        """Create a view. Raises: MemoryRequestRefusedError for a field that cannot be grouped by or filtered on.

        >>> from agent_memory_client import CreateSummaryViewRequest
        >>> request = CreateSummaryViewRequest(name="by user", source="long_term", group_by=["user_id"])
        >>> view = client.create_summary_view(request)
        >>> view.name, view.group_by
        ('by user', ['user_id'])
        >>> ack = client.delete_summary_view(view.id)
        """
        body = request.model_dump_json(exclude_none=True)
        return read(SummaryView, self._transport.send("POST", _VIEWS, body=body, writes=True, repeatable=False))

    def get_summary_view(self, view_id: str) -> SummaryView | None:
        """The view with this id; None when there is none.

        >>> client.get_summary_view("unknown") is None
        True
        """
        try:
            return read(SummaryView, self._transport.send("GET", _view(view_id)))
        except MemoryNotFoundError:
            return None

    def delete_summary_view(self, view_id: str) -> AckResponse:
        """Delete a view with what was computed for it; also `ok` when there is none.

        >>> (client.delete_summary_view("unknown")).status
        'ok'
        """
        return read(AckResponse, self._transport.send("DELETE", _view(view_id), writes=True))

    def run_summary_view_partition(self, view_id: str, group: Mapping[str, str]) -> SummaryViewPartitionResult:
        """Compute the summary of one group now: a value for each field of the view's group_by.

        Raises: MemoryNotFoundError; MemoryRequestRefusedError, when the fields are not those of group_by.

        >>> from agent_memory_client import CreateSummaryViewRequest
        >>> view = client.create_summary_view(CreateSummaryViewRequest(source="long_term", group_by=["user_id"]))
        >>> result = client.run_summary_view_partition(view.id, {"user_id": "nobody"})
        >>> result.empty, result.empty_reason
        (True, 'no_matching_memories')
        >>> ack = client.delete_summary_view(view.id)
        """
        body = checked(RunSummaryViewPartitionRequest, {"group": dict(group)}).model_dump_json()
        response = self._transport.send("POST", _view(view_id, "/partitions/run"), body=body, writes=True)
        return read(SummaryViewPartitionResult, response)

    def list_summary_view_partitions(
        self,
        view_id: str,
        namespace: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        memory_type: str | None = None,
    ) -> list[SummaryViewPartitionResult]:
        """What is computed of the groups with these values. Computes nothing. Raises: MemoryNotFoundError.

        >>> from agent_memory_client import CreateSummaryViewRequest
        >>> view = client.create_summary_view(CreateSummaryViewRequest(source="long_term", group_by=["user_id"]))
        >>> result = client.run_summary_view_partition(view.id, {"user_id": "nobody"})
        >>> [part.group for part in client.list_summary_view_partitions(view.id, user_id="nobody")]
        [{'user_id': 'nobody'}]
        >>> ack = client.delete_summary_view(view.id)
        """
        # Not with the default namespace: it would hide every group of a view that is not grouped by namespace.
        query = {"namespace": namespace, "user_id": user_id, "session_id": session_id, "memory_type": memory_type}
        response = self._transport.send("GET", _view(view_id, "/partitions"), query=query)
        return read_list(SummaryViewPartitionResult, response)

    def run_summary_view(self, view_id: str, force: bool = False) -> Task:
        """Compute every group of the view, behind the request; ask `get_task` how far it is. force: has no effect.

        Raises: MemoryNotFoundError.

        >>> from agent_memory_client import CreateSummaryViewRequest
        >>> view = client.create_summary_view(CreateSummaryViewRequest(source="long_term", group_by=["user_id"]))
        >>> task = client.run_summary_view(view.id)
        >>> task.type.value, task.view_id == view.id
        ('summary_view_full_run', True)
        >>> ack = client.delete_summary_view(view.id)
        """
        body = '{"force":true}' if force else "{}"
        response = self._transport.send("POST", _view(view_id, "/run"), body=body, writes=True, repeatable=False)
        return read(Task, response)

    def get_task(self, task_id: str) -> Task | None:
        """The task with this id; None when there is none, or none any more (they are kept for seven days).

        >>> client.get_task("unknown") is None
        True
        """
        try:
            return read(Task, self._transport.send("GET", f"/v1/tasks/{segment(task_id, 'task_id')}"))
        except MemoryNotFoundError:
            return None

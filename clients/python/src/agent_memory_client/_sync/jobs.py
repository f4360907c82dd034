"""Calls about the server's background work, for operators: they need a token without bounds, with admin rights."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_client._sync.base import Calls
from agent_memory_client.answers import checked, read
from agent_memory_client.models.jobs import (
    DeadJob,
    DeadJobsResponse,
    JobCountResponse,
    JobFiguresResponse,
    JobIdsRequest,
)


class JobCalls(Calls):
    """What waits, what runs, and what was given up."""

    def get_job_figures(self) -> JobFiguresResponse:
        """How many jobs wait, run, and were given up.

        >>> (client.get_job_figures()).dead
        0
        """
        return read(JobFiguresResponse, self._transport.send("GET", "/v1/jobs"))

    def list_dead_jobs(self, limit: int = 100) -> list[DeadJob]:
        """The jobs that were given up after their last attempt, newest first. limit: 1 … 1,000.

        >>> [job.error for job in client.list_dead_jobs()]
        []
        """
        response = self._transport.send("GET", "/v1/jobs/dead", query={"limit": limit})
        return read(DeadJobsResponse, response).jobs

    def retry_dead_jobs(self, ids: Sequence[str]) -> int:
        """Queue jobs again that were given up, with fresh attempts; how many of the ids (1 … 1,000) there were.

        >>> client.retry_dead_jobs(["17"])
        0
        """
        return self._change_dead("retry", ids)

    def discard_dead_jobs(self, ids: Sequence[str]) -> int:
        """Forget jobs that were given up; how many of the ids (1 … 1,000) there were. What is still owed is queued
        again by the server's next sweep.

        >>> client.discard_dead_jobs(["17"])
        0
        """
        return self._change_dead("discard", ids)

    def _change_dead(self, verb: str, ids: Sequence[str]) -> int:
        request = checked(JobIdsRequest, {"ids": list(ids)})
        response = self._transport.send("POST", f"/v1/jobs/dead/{verb}", body=request.model_dump_json(), writes=True)
        return read(JobCountResponse, response).count

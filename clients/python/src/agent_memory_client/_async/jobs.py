"""Calls about the server's background work, for operators: they need a token without bounds, with admin rights."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_client._async.base import Calls
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

    async def get_job_figures(self) -> JobFiguresResponse:
        """How many jobs wait, run, and were given up.

        >>> (await client.get_job_figures()).dead
        0
        """
        return read(JobFiguresResponse, await self._transport.send("GET", "/v1/jobs"))

    async def list_dead_jobs(self, limit: int = 100) -> list[DeadJob]:
        """The jobs that were given up after their last attempt, newest first. limit: 1 … 1,000.

        >>> [job.error for job in await client.list_dead_jobs()]
        []
        """
        response = await self._transport.send("GET", "/v1/jobs/dead", query={"limit": limit})
        return read(DeadJobsResponse, response).jobs

    async def retry_dead_jobs(self, ids: Sequence[str]) -> int:
        """Queue jobs again that were given up, with fresh attempts; how many of the ids (1 … 1,000) there were.

        >>> await client.retry_dead_jobs(["17"])
        0
        """
        return await self._change_dead("retry", ids)

    async def discard_dead_jobs(self, ids: Sequence[str]) -> int:
        """Forget jobs that were given up; how many of the ids (1 … 1,000) there were. What is still owed is queued
        again by the server's next sweep.

        >>> await client.discard_dead_jobs(["17"])
        0
        """
        return await self._change_dead("discard", ids)

    async def _change_dead(self, verb: str, ids: Sequence[str]) -> int:
        request = checked(JobIdsRequest, {"ids": list(ids)})
        response = await self._transport.send(
            "POST", f"/v1/jobs/dead/{verb}", body=request.model_dump_json(), writes=True
        )
        return read(JobCountResponse, response).count

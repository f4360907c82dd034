"""Jobs for what new records owe: labels, and being compared with others. Rung for by writes, queued by upkeep.

A write only rings (`Application.stored`), so that storing costs no second write; one job serves all that was stored
meanwhile. A ring that is lost is made up for by the sweep, and by the periodic job.
"""

from __future__ import annotations

from agent_memory_server.operations.application import Application
from agent_memory_server.operations.label import label_job, labels_on
from agent_memory_server.ports.jobs import Job

CONSOLIDATE = "consolidate"

LABEL_AFTER_S = 2.0
COMPARE_AFTER_S = 10.0
"""For how long nothing must be stored before what was stored is compared: records then share questions, and nothing is
compared in the middle of an import."""

COMPARE_WITHIN_S = 60.0
"""Where there is always something stored, it is compared after that long all the same."""


def periodic_job(kind: str) -> Job:
    """The job of a kind that runs at intervals."""
    return Job(kind=kind, key="periodic", group=kind)


def compare_job() -> Job:
    """The job that compares new records; never at the same time as the periodic one."""
    return Job(kind=CONSOLIDATE, key="soon", group=CONSOLIDATE)


async def queue_soon(app: Application) -> None:
    """Queue what records that were stored just now owe. Raises: Unavailable."""
    now = app.clock()
    if labels_on(app):
        await app.jobs.add(label_job(), due=now + LABEL_AFTER_S)
    if app.options.consolidate:
        await app.jobs.add(compare_job(), due=now + COMPARE_AFTER_S, postpone=True, longest_s=COMPARE_WITHIN_S)

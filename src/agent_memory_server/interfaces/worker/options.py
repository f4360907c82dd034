"""How a worker behaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent_memory_server.ports.jobs import SEEN_WITHIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Each but `beat_s` and `poll_s` is a documented setting (`WorkerSettings`).

    concurrency:   jobs running at the same time in this process.
    asking:        of these, jobs that may ask a chat model; None: all but one, and at least one.
    lease_s:       a claimed job is another's after this long without renewal; renewed three times in it.
    job_timeout_s: the longest one attempt may take; five times that for work that goes through the whole store.
    attempts:      failed attempts after which a job is given up.
    outage_s:      how long a job waits for something that does not answer before it is given up.
    backoff_s:     pause after a first failure; doubles up to longest_backoff_s, each shortened by up to a half at
                   random, so that jobs that failed together do not return together.
    drain_s:       how long running jobs may go on when the worker stops; then they are handed back.
    sweep_every_s: between two looks into the stored state for owed work.
    heartbeat:     a file that is touched with each sign of life, for who watches the process; None: none.
    beat_s:        between two signs of life.
    poll_s:        how long a job that another process queued may wait unseen.
    """

    concurrency: int = 10
    asking: int | None = None
    lease_s: float = 30.0
    job_timeout_s: float = 300.0
    attempts: int = 5
    outage_s: float = 7 * 86_400.0
    backoff_s: float = 1.0
    longest_backoff_s: float = 60.0
    drain_s: float = 10.0
    sweep_every_s: float = 60.0
    heartbeat: Path | None = None
    beat_s: float = SEEN_WITHIN_S / 3
    poll_s: float = 1.0

    @property
    def most_asking(self) -> int:
        """How many jobs may ask a chat model at the same time."""
        most = self.concurrency - 1 if self.asking is None else min(self.asking, self.concurrency)
        return max(most, 1)

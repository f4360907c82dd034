"""What an operator can set about background work."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent_memory_server.interfaces.worker.options import WorkerOptions

_MINUTE_S = 60.0
_DAY_S = 86_400.0
_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False)


class WorkerSettings(BaseModel):
    """Background work: how much at once, and how long a failure is tried again."""

    model_config = _CONFIG

    concurrency: int = Field(
        10, ge=1, le=1000, alias="WORKER_CONCURRENCY", description="Jobs that one process runs at the same time."
    )
    asking: int | None = Field(
        None,
        ge=1,
        le=1000,
        alias="WORKER_MODEL_CONCURRENCY",
        description="How many of these may ask a chat model, where there is one: a model that says nothing holds no "
        "more places than this. Not set: all but one. Embedding, purging and forgetting, which ask none, run also when "
        "every place is taken, one job of each.",
    )
    lease_s: float = Field(
        30.0,
        ge=1,
        le=86_400,
        alias="WORKER_LEASE_SECONDS",
        description="A job whose process gave no sign of life for this long is taken over by another.",
    )
    job_timeout_minutes: float = Field(
        5.0,
        gt=0,
        alias="LLM_TASK_TIMEOUT_MINUTES",
        description="The longest one attempt at a job may take; five times that for what goes through the whole store: "
        "periodic work, and summary views.",
    )
    attempts: int = Field(
        5, ge=1, le=1000, alias="WORKER_ATTEMPTS", description="Failed attempts after which a job is given up."
    )
    outage_days: float = Field(
        7.0,
        gt=0,
        alias="WORKER_OUTAGE_DAYS",
        description="How long a job waits for a model or store that does not answer before it is given up.",
    )
    backoff_s: float = Field(
        1.0,
        gt=0,
        alias="WORKER_BACKOFF_SECONDS",
        description="Pause after a first failure; it doubles with each further one, less up to a half at random.",
    )
    longest_backoff_s: float = Field(
        60.0, gt=0, alias="WORKER_LONGEST_BACKOFF_SECONDS", description="The longest such pause."
    )
    drain_s: float = Field(
        10.0,
        ge=0,
        alias="WORKER_DRAIN_SECONDS",
        description="How long running jobs may go on after a signal to stop; then they are handed back.",
    )
    sweep_every_s: float = Field(
        60.0,
        gt=0,
        alias="WORKER_SWEEP_SECONDS",
        description="Seconds between two looks into the stored state for work that no job stands for.",
    )
    heartbeat: Path | None = Field(
        None,
        alias="WORKER_HEARTBEAT_FILE",
        description="A file that a process which takes jobs touches every 30 seconds, for a liveness probe.",
    )


class TaskSettings(BaseModel):
    """Which processes do background work, and where its queue is."""

    model_config = _CONFIG

    docket: bool | None = Field(
        None,
        alias="USE_DOCKET",
        description="true: servers only queue background work, and `agent-memory task-worker` does it; false: servers "
        "do it, and `task-worker` does not start. Without it each command has its own default (`--task-backend`).",
    )
    docket_name: str = Field(
        "memory-server",
        min_length=1,
        max_length=200,
        pattern=r"^[^{}]*$",
        alias="DOCKET_NAME",
        description="Name of the queue on Redis, without braces: part of its keys.",
    )


def worker_options(settings: WorkerSettings) -> WorkerOptions:
    """The options that the worker is given."""
    return WorkerOptions(
        concurrency=settings.concurrency,
        asking=settings.asking,
        lease_s=settings.lease_s,
        job_timeout_s=settings.job_timeout_minutes * _MINUTE_S,
        attempts=settings.attempts,
        outage_s=settings.outage_days * _DAY_S,
        backoff_s=settings.backoff_s,
        longest_backoff_s=settings.longest_backoff_s,
        drain_s=settings.drain_s,
        sweep_every_s=settings.sweep_every_s,
        heartbeat=settings.heartbeat,
    )

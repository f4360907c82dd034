"""Forgetting: which records a policy lets go."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from agent_memory_client.models.enums import MemoryTypeEnum
from agent_memory_client.models.fields import Count, Id, StrictRequest, WireModel
from agent_memory_client.models.limits import MAX_DAYS, MAX_PINNED_IDS

Days: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=MAX_DAYS, allow_inf_nan=False)]


class ForgetPolicy(StrictRequest):
    """Ages in days, budget in records; null leaves a rule out.

    With both ages, a record goes when it is older than max_age_days × hard_age_multiplier, or older than max_age_days
    and unused for longer than max_inactive_days; with one, when that one is exceeded. Of what is left, `budget` keeps
    only that many best by recency. memory_type_allowlist: only these types may go. A misspelt rule is refused: it
    would let go more than was meant.
    """

    max_age_days: Days | None = None
    max_inactive_days: Days | None = None
    budget: Count | None = None
    memory_type_allowlist: list[MemoryTypeEnum] | None = None
    hard_age_multiplier: Days = 12.0


class ForgetRequest(StrictRequest):
    """A policy, and records it must not touch."""

    policy: ForgetPolicy
    pinned_ids: Annotated[list[Id], Field(max_length=MAX_PINNED_IDS)] | None = None


class ForgetResponse(WireModel):
    """What went, or in a dry run what would go."""

    scanned: int
    deleted: int
    deleted_ids: list[str]
    dry_run: bool

"""Forgetting between wire and domain."""

from __future__ import annotations

from typing import Any

from agent_memory_client.models import ForgetPolicy
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.operations.forget import Forgotten


def policy_of(policy: ForgetPolicy) -> RetentionPolicy:
    """The policy. An empty list of types lets nothing go: it is not the same as no list."""
    types = policy.memory_type_allowlist
    return RetentionPolicy(
        max_age_days=policy.max_age_days,
        max_inactive_days=policy.max_inactive_days,
        budget=policy.budget,
        memory_types=None if types is None else frozenset(one.value for one in types),
        hard_age_multiplier=policy.hard_age_multiplier,
    )


def forgotten(run: Forgotten) -> dict[str, Any]:
    """The members of a `ForgetResponse`."""
    return {"scanned": run.scanned, "deleted": len(run.ids), "deleted_ids": run.ids, "dry_run": run.dry_run}

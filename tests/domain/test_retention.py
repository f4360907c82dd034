"""Which memories a policy lets go."""

from __future__ import annotations

from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.retention import Retention, RetentionPolicy

DAY = 86400.0
NOW = 1000 * DAY


def memory(id_: str, *, age: float, idle: float = 0.0, pinned: bool = False, kind: str = "semantic") -> Memory:
    return Memory(
        id=id_,
        text="t",
        created_at=NOW - age * DAY,
        updated_at=NOW,
        last_accessed=NOW - idle * DAY,
        pinned=pinned,
        memory_type=MemoryType(kind),
    )


def forgotten(policy: RetentionPolicy, *memories: Memory, pinned_ids: frozenset[str] = frozenset()) -> set[str]:
    retention = Retention(policy, now=NOW, pinned_ids=pinned_ids)
    for one in memories:
        retention.look_at([one])
    assert retention.scanned == len(memories)
    return set(retention.forgotten())


def test_one_age_alone_decides() -> None:
    assert forgotten(RetentionPolicy(max_age_days=10), memory("old", age=11), memory("new", age=9)) == {"old"}
    idle = RetentionPolicy(max_inactive_days=10)
    assert forgotten(idle, memory("idle", age=20, idle=11), memory("used", age=99)) == {"idle"}


def test_with_both_ages_an_old_memory_in_use_stays_until_the_hard_age() -> None:
    policy = RetentionPolicy(max_age_days=10, max_inactive_days=5, hard_age_multiplier=3)
    assert forgotten(
        policy,
        memory("old-idle", age=11, idle=6),
        memory("old-used", age=11, idle=1),
        memory("young-idle", age=9, idle=9),
        memory("ancient-used", age=31),
    ) == {"old-idle", "ancient-used"}


def test_pinned_memories_and_other_types_are_never_let_go() -> None:
    policy = RetentionPolicy(max_age_days=1, budget=0, memory_types=frozenset({"episodic"}))
    memories = (
        memory("pinned", age=99, pinned=True, kind="episodic"),
        memory("named", age=99, kind="episodic"),
        memory("fact", age=99),
        memory("event", age=99, kind="episodic"),
    )
    assert forgotten(policy, *memories, pinned_ids=frozenset({"named"})) == {"event"}


def test_a_budget_keeps_the_most_recent() -> None:
    memories = [memory(str(age), age=age, idle=age) for age in range(10)]
    assert forgotten(RetentionPolicy(budget=3), *memories) == {str(age) for age in range(3, 10)}


def test_an_empty_policy_lets_nothing_go() -> None:
    assert forgotten(RetentionPolicy(), memory("m", age=9999, idle=9999)) == set()

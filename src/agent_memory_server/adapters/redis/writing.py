"""The rules of storing records: places, replacement, duplicates, revisions. Pure: what was read in, steps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.redis.exact import content_token
from agent_memory_server.adapters.redis.record_fields import Fields, Stored, fields_of, missing_from, vector_bytes
from agent_memory_server.adapters.redis.records import Step
from agent_memory_server.domain.memory import Memory, hash_of
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import MemoryWrite, PutResult, PutStatus

Vector = NDArray[np.float32]


def _same_kind(stored: Memory, memory: Memory) -> bool:
    return (stored.namespace, stored.user_id, stored.session_id, stored.memory_type) == (
        memory.namespace, memory.user_id, memory.session_id, memory.memory_type,
    )  # fmt: skip


def step_of(
    memory: Memory, before: Stored | None, vector: Vector | None, *, keep_vector: bool, forget_access: bool = False
) -> tuple[Step, Stored]:
    """The step that stores a record in the place of what was there, and what is stored then."""
    fields: Fields = fields_of(memory)
    drop = [] if before is None else missing_from(fields)
    embedded = before is not None and before.embedded if keep_vector else vector is not None
    if not keep_vector and vector is not None:
        fields["vector"] = vector_bytes(vector)
    if embedded:
        drop.append("owed_")
    else:
        fields["owed_"] = "1"
        drop.append("vector")
    expected = None if before is None else before.memory.revision
    step = Step(id=memory.id, expected=expected, fields=fields, drop=drop, forget_access=forget_access)
    return step, Stored(memory, embedded)


@dataclass(slots=True)
class Plan:
    """What a put comes to. known: records as read, and as they will be; same: by content token, a record that has it.
    Of several steps on one record the last one stays, with what the first one expected."""

    scope: Scope
    known: dict[str, Stored]
    same: dict[str, str]
    deduplicate: bool
    results: list[PutResult] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)

    def add(self, write: MemoryWrite) -> None:
        """Decide on a further record."""
        memory, before, free = self._target(write)
        place = before.memory if before else None
        if not free or (place is not None and not self.scope.allows(place.namespace, place.user_id)):
            self.results.append(PutResult(memory.id, PutStatus.REFUSED))
            return
        content = content_token(memory)
        other = self.same.get(content, memory.id) if self.deduplicate else memory.id
        if other != memory.id:
            self.noted.append(other)
            self.results.append(PutResult(other, PutStatus.DUPLICATE))
            return
        self._store(memory, before, write.vector, content)

    def _target(self, write: MemoryWrite) -> tuple[Memory, Stored | None, bool]:
        memory = write.memory
        before = self.known.get(memory.id)
        if before is None or write.fallback_id is None or _same_kind(before.memory, memory):
            return memory, before, True
        memory = replace(memory, id=write.fallback_id)
        before = self.known.get(memory.id)
        return memory, before, before is None or _same_kind(before.memory, memory)

    def _store(self, memory: Memory, before: Stored | None, vector: Vector | None, content: str) -> None:
        newer = replace(memory, revision=1, memory_hash=memory.memory_hash or hash_of(memory))
        keep_vector = False
        if before is not None:
            old = before.memory
            persisted_at = memory.persisted_at if old.persisted_at is None else old.persisted_at
            newer = replace(newer, revision=old.revision + 1, persisted_at=persisted_at)
            # The vector of an equal text is as good as a new one, and nothing is owed.
            keep_vector = vector is None and memory.text == old.text
        step, stored = step_of(newer, before, vector, keep_vector=keep_vector, forget_access=before is not None)
        earlier = self.steps.get(memory.id)
        if earlier is not None:
            kept = {name: value for name, value in earlier.fields.items() if keep_vector and name == "vector"}
            step = replace(step, expected=earlier.expected, fields=step.fields | kept)
        self.steps[memory.id] = replace(step, unique=content if self.deduplicate else "")
        self.known[memory.id] = stored
        self.same.setdefault(content, memory.id)
        status = PutStatus.CREATED if before is None else PutStatus.REPLACED
        self.results.append(PutResult(memory.id, status))


def same_content(found: Mapping[str, Stored]) -> dict[str, str]:
    """By content token the record that has it; of several the least id."""
    same: dict[str, str] = {}
    for id_ in sorted(found):
        same.setdefault(content_token(found[id_].memory), id_)
    return same


def surplus(records: Sequence[Memory]) -> list[Memory]:
    """Of each group of equal content all but the one accessed last, without pinned ones."""
    groups: dict[str, list[Memory]] = {}
    for memory in records:
        groups.setdefault(content_token(memory), []).append(memory)
    doomed: list[Memory] = []
    for group in groups.values():
        ordered = sorted(group, key=lambda memory: (-memory.last_accessed, memory.id))
        doomed += [memory for memory in ordered[1:] if not memory.pinned]
    return doomed

"""The rules of storing records: places, replacement, duplicates, revisions. Pure: what was read in, steps out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.redis.exact import ContentKey, content_key, content_query
from agent_memory_server.adapters.redis.record_fields import Fields, Stored, fields_of, missing_from, vector_bytes
from agent_memory_server.adapters.redis.step import Step
from agent_memory_server.domain.memory import Memory, MemoryType, Superseding, hash_of, same_content, version_id
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import Labels, MemoryWrite, PutResult, PutStatus

Vector = NDArray[np.float32]
VERSIONS_KEPT = 50
"""Earlier versions of one record; the oldest go first."""


def _same_kind(stored: Memory, memory: Memory) -> bool:
    return (stored.namespace, stored.user_id, stored.session_id, stored.memory_type) == (
        memory.namespace, memory.user_id, memory.session_id, memory.memory_type,
    )  # fmt: skip


def step_of(
    memory: Memory, before: Stored | None, vector: bytes | None, *, keep_vector: bool, forget_access: bool = False
) -> tuple[Step, Stored]:
    """The step that stores a record in the place of what was there, and what is stored then.

    keep_vector: the vector that is stored, if any, stays; `vector` is ignored.
    """
    fields: Fields = fields_of(memory)
    drop = [] if before is None else missing_from(fields)
    embedded = before is not None and before.embedded if keep_vector else vector is not None
    if not keep_vector and vector is not None:
        fields["vector"] = vector
    if embedded:
        drop.append("owed_")
    else:
        fields["owed_"] = "1"
        drop.append("vector")
    if memory.superseded_by or memory.memory_type is MemoryType.MESSAGE:
        drop.append("uncompared_")
    elif before is None or before.memory.text != memory.text or before.memory.superseded_by:
        fields["uncompared_"] = "1"
    if memory.superseded_by or memory.memory_type is MemoryType.MESSAGE or (memory.topics and memory.entities):
        drop.append("unlabelled_")
    elif before is None or before.memory.text != memory.text or before.memory.superseded_by:
        fields["unlabelled_"] = "1"
    expected = None if before is None else before.memory.revision
    numbered = before is None or _place(before.memory) != _place(memory)
    step = Step(
        id=memory.id, expected=expected, fields=fields, drop=drop, forget_access=forget_access, numbered=numbered
    )
    return step, Stored(memory, embedded)


def _place(memory: Memory) -> tuple[str, str, bool]:
    return memory.namespace, memory.user_id, bool(memory.superseded_by)


def concerned(writes: Sequence[MemoryWrite], ids: Collection[str]) -> list[MemoryWrite]:
    """Those of the writes that change one of these records, or keep one as an earlier version."""
    changed = {*ids, *(id_.rpartition("@")[0] for id_ in ids)}
    return [write for write in writes if not changed.isdisjoint((write.memory.id, write.fallback_id))]


def version_ids(before: Memory, changes: int = 1) -> list[str]:
    """Ids that so many changes of a record touch beside its own: its next earlier versions, and the ones to go."""
    revisions = range(before.revision, before.revision + changes)
    return [f"{before.id}@{n + less}" for n in revisions for less in (0, -VERSIONS_KEPT)]


@dataclass(slots=True)
class Changes:
    """Steps that grow record by record. known: records as read, and as they will be; vectors: of known records that
    may become earlier versions. Of several steps on one record the last one stays, with what the first expected."""

    known: dict[str, Stored]
    vectors: dict[str, bytes]
    steps: dict[str, Step] = field(default_factory=dict)

    def store(
        self, memory: Memory, vector: bytes | None, *, keep_vector: bool, forget_access: bool = False, unique: str = ""
    ) -> None:
        """Store a record in the place of what is known under its id."""
        before = self.known.get(memory.id)
        step, stored = step_of(memory, before, vector, keep_vector=keep_vector, forget_access=forget_access)
        self._take(replace(step, unique=unique))
        self.known[memory.id] = stored
        if not keep_vector:
            self.vectors.pop(memory.id, None)
            if vector is not None:
                self.vectors[memory.id] = vector

    def _take(self, step: Step) -> None:
        earlier = self.steps.get(step.id)
        if earlier is not None and earlier.fields:
            untouched = {"vector", "uncompared_", "unlabelled_"} - set(step.drop)
            fields = {name: value for name, value in earlier.fields.items() if name in untouched} | step.fields
            drop = [name for name in {*earlier.drop, *step.drop} if name not in fields]
            numbered = earlier.numbered or step.numbered
            step = replace(step, expected=earlier.expected, fields=fields, drop=drop, numbered=numbered)
        if step.numbered:
            self.steps.pop(step.id, None)  # numbers are given in the order of the steps
        self.steps[step.id] = step

    def keep_version(self, newer: Memory, because: Superseding, *, at: float | None = None) -> Memory:
        """Keep what is known as an earlier version, if `newer` tells something else; `newer` with the time from which
        it is valid: `at`, None for when it was updated. Messages have no versions: they are what was said."""
        before = self.known[newer.id].memory
        if before.superseded_by or same_content(before, newer):
            return replace(newer, valid_from=newer.valid_from or before.valid_from)
        if before.memory_type is MemoryType.MESSAGE or not before.id:
            return newer
        name = version_id(before)
        if name not in self.known:
            until = newer.updated_at if at is None else max(at, before.valid_from or before.created_at)
            past = {"superseded_by": before.id, "superseded_because": because.value, "valid_until": until}
            self.store(replace(before, id=name, **past), self.vectors.get(before.id), keep_vector=False)  # type: ignore[arg-type]
            newer = replace(newer, valid_from=until)
        oldest = self.known.get(f"{before.id}@{before.revision - VERSIONS_KEPT}")
        if oldest is not None and oldest.memory.superseded_by == before.id:
            self.steps[oldest.memory.id] = Step(id=oldest.memory.id, expected=oldest.memory.revision)
        return newer


@dataclass(slots=True)
class Plan:
    """What a put comes to. same: by content, a record that has it."""

    scope: Scope
    changes: Changes
    same: dict[ContentKey, str]
    deduplicate: bool
    results: list[PutResult] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    def add(self, write: MemoryWrite) -> None:
        """Decide on a further record."""
        memory, before, free = self._target(write)
        place = before.memory if before else None
        if not free or (place is not None and not self.scope.allows(place.namespace, place.user_id)):
            self.results.append(PutResult(memory.id, PutStatus.REFUSED))
            return
        content = content_key(memory)
        other = self.same.get(content, memory.id) if self.deduplicate else memory.id
        if other != memory.id:
            self.noted.append(other)
            self.results.append(PutResult(other, PutStatus.DUPLICATE))
            return
        self._store(memory, before, write.vector, content)

    def _target(self, write: MemoryWrite) -> tuple[Memory, Stored | None, bool]:
        memory = write.memory
        before = self.changes.known.get(memory.id)
        if before is None or write.fallback_id is None or _same_kind(before.memory, memory):
            return memory, before, True
        memory = replace(memory, id=write.fallback_id)
        before = self.changes.known.get(memory.id)
        return memory, before, before is None or _same_kind(before.memory, memory)

    def _store(self, memory: Memory, before: Stored | None, vector: Vector | None, content: ContentKey) -> None:
        newer = replace(memory, revision=1, memory_hash=memory.memory_hash or hash_of(memory))
        keep_vector = False
        if before is not None:
            old = before.memory
            persisted_at = memory.persisted_at if old.persisted_at is None else old.persisted_at
            newer = replace(newer, revision=old.revision + 1, persisted_at=persisted_at)
            newer = self.changes.keep_version(newer, Superseding.REPLACED)
            # The vector of an equal text is as good as a new one, and nothing is owed.
            keep_vector = vector is None and memory.text == old.text
        self.changes.store(
            newer,
            None if vector is None else vector_bytes(vector),
            keep_vector=keep_vector,
            forget_access=before is not None,
            unique=content_query(memory) if self.deduplicate else "",
        )
        self.same.setdefault(content, memory.id)
        status = PutStatus.CREATED if before is None else PutStatus.REPLACED
        self.results.append(PutResult(memory.id, status))


def restoring(writes: Sequence[MemoryWrite], known: Mapping[str, Stored]) -> tuple[list[Step], list[bool]]:
    """Steps that store records exactly as they are, where their ids are free, and whether each is."""
    steps: list[Step] = []
    taken = set(known)
    stored = []
    for write in writes:
        free = write.memory.id not in taken
        if free:
            vector = None if write.vector is None else vector_bytes(write.vector)
            steps.append(step_of(write.memory, None, vector, keep_vector=False)[0])
            taken.add(write.memory.id)
        stored.append(free)
    return steps, stored


def holders(found: Mapping[str, Stored]) -> dict[ContentKey, str]:
    """By content the record that has it; of several the least id."""
    same: dict[ContentKey, str] = {}
    for id_ in sorted(found):
        same.setdefault(content_key(found[id_].memory), id_)
    return same


def past(memory: Memory, by: str, because: Superseding, *, at: float) -> Memory:
    """A current record as it is when another one took its place at that time."""
    return replace(
        memory,
        superseded_by=by,
        superseded_because=because.value,
        valid_until=max(at, memory.valid_from or memory.created_at),
        revision=memory.revision + 1,
    )


def labelling(stored: Stored, labels: Labels) -> Step:
    """The step that gives a record topics and entities, and notes that it has them."""
    memory = replace(stored.memory, topics=labels.topics, entities=labels.entities)
    if memory != stored.memory:
        memory = replace(memory, revision=memory.revision + 1)
    step, _ = step_of(memory, stored, None, keep_vector=True)
    return replace(step, drop=[*step.drop, "unlabelled_"])


def surplus(records: Sequence[Memory]) -> list[tuple[Memory, list[Memory]]]:
    """Groups of equal content: the record accessed last, and the others, without pinned ones; messages are in none."""
    groups: dict[ContentKey, list[Memory]] = {}
    for memory in records:
        if memory.memory_type is not MemoryType.MESSAGE:
            groups.setdefault(content_key(memory), []).append(memory)
    found: list[tuple[Memory, list[Memory]]] = []
    for group in groups.values():
        kept, *others = sorted(group, key=lambda memory: (-memory.last_accessed, memory.id))
        doomed = [memory for memory in others if not memory.pinned]
        if doomed:
            found.append((kept, doomed))
    return found

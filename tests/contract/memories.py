"""What the MemoryStore suite is made of: records, and vectors that can be reasoned about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.memory import Memory
from agent_memory_server.ports.memory_store import MemoryWrite

DIMENSIONS = 8
NOW = 1_700_000_000.0


def direction(degrees: float) -> NDArray[np.float32]:
    """A unit vector: those of 0 and 90 degrees have a cosine distance of 1."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    vector[0], vector[1] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return vector


def memory(id_: str, text: str = "tea", **fields: Any) -> Memory:
    """A record with what a test does not care about filled in."""
    times = {"created_at": NOW, "updated_at": NOW, "last_accessed": NOW}
    return Memory(id=id_, text=text, **(times | fields))


def write(
    id_: str, text: str = "tea", *, at: float | None = 0.0, fallback: str | None = None, **fields: Any
) -> MemoryWrite:
    """A write of a record. at: its vector's direction in degrees, None for no vector."""
    vector = None if at is None else direction(at)
    return MemoryWrite(memory=memory(id_, text, **fields), vector=vector, fallback_id=fallback)

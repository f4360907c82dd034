"""A line of an export file holds everything of a record and of a session."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.interfaces.convert.transfer import (
    RecordLine,
    SessionLine,
    decoded,
    encoded,
    record_line,
    record_write,
)
from agent_memory_server.ports.memory_store import MemoryWrite

texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
times = st.floats(-1e10, 1e11)
tuples = st.lists(texts, max_size=3).map(tuple)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
counts = st.integers(1, 2**53)

MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "id": names,
    "text": texts,
    "created_at": times,
    "updated_at": times,
    "last_accessed": times,
    "namespace": texts,
    "user_id": texts,
    "session_id": texts,
    "memory_type": st.sampled_from(MemoryType),
    "topics": tuples,
    "entities": tuples,
    "persisted_at": st.none() | times,
    "event_date": st.none() | times,
    "pinned": st.booleans(),
    "access_count": counts,
    "memory_hash": texts,
    "discrete_memory_extracted": st.booleans(),
    "extraction_strategy": texts,
    "extraction_strategy_config": objects,
    "extracted_from": tuples,
    "metadata": objects,
    "revision": counts,
    "superseded_by": texts,
    "superseded_because": texts,
    "valid_from": st.none() | times,
    "valid_until": st.none() | times,
}
memories = st.builds(Memory, **MEMBERS)
messages = st.builds(
    Message,
    id=names,
    role=texts,
    content=texts,
    created_at=times,
    persisted_at=st.none() | times,
    discrete_memory_extracted=st.booleans(),
)
sessions = st.builds(
    Session,
    key=st.builds(SessionKey, texts, texts, names),
    created_at=times,
    updated_at=times,
    last_accessed=times,
    messages=st.lists(messages, max_size=3).map(tuple),
    memories=st.lists(memories, max_size=1).map(tuple),
    data=st.none() | objects,
    context=st.none() | texts,
    tokens=counts,
    strategy=st.builds(Strategy, name=texts, config=objects),
    ttl_seconds=st.none() | counts,
    revision=counts,
    message_count=counts,
    owed_since=st.none() | times,
)
vectors = st.lists(st.floats(0.125, 1.0, width=32), min_size=4, max_size=4).map(
    lambda parts: (np.array(parts) / np.linalg.norm(parts)).astype(np.float32)
)


@given(memory=memories, vector=st.none() | vectors)
def test_a_record_and_its_vector_are_read_as_they_were_written(
    memory: Memory, vector: NDArray[np.float32] | None
) -> None:
    raw = encoded(record_line(MemoryWrite(memory=memory, vector=vector)))
    assert raw.count(b"\n") == 1
    line = decoded(raw)
    assert isinstance(line, RecordLine)
    read = record_write(line, dimensions=4)
    assert read.memory == memory
    if vector is None:
        assert read.vector is None
    else:
        assert read.vector is not None
        assert np.array_equal(read.vector, vector)


@given(session=sessions)
def test_a_session_is_read_as_it_was_written(session: Session) -> None:
    line = decoded(encoded(SessionLine(session=session)))
    assert isinstance(line, SessionLine)
    assert line.session == session


def test_every_member_of_the_values_is_drawn() -> None:
    """A member that is added later must be carried, so it must be drawn here."""
    assert set(MEMBERS) == {field.name for field in fields(Memory)}

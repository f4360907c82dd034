"""What a session that is put owes long-term memory, compared with the session that it replaces.

Clients send whole sessions again and again, mostly without the marks that the server gave. What is unchanged is
known by its id and content: its record is neither made again nor written over, as others may have changed or deleted
it since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.operations.messages import message_record, structured_record
from agent_memory_server.operations.options import Options
from agent_memory_server.ports.memory_store import MemoryWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """The messages and memories as they are to be stored, with their marks; and the records to store with them."""

    messages: tuple[Message, ...]
    memories: tuple[Memory, ...]
    records: tuple[MemoryWrite, ...]


def message_records(options: Options, key: SessionKey, messages: Sequence[Message], now: float) -> list[MemoryWrite]:
    """The records of the messages that have none yet; none at all where messages are not indexed."""
    if not (options.long_term and options.index_messages):
        return []
    return [message_record(key, message, now) for message in messages if message.persisted_at is None]


def promoted(options: Options, session: Session, stored: Session | None, now: float) -> Promoted:
    """What storing `session` in place of `stored` stores beside it. session: complete, its key placed."""
    messages = _marked(session.messages, stored)
    of_messages = message_records(options, session.key, messages, now)
    done = {source for record in of_messages for source in record.memory.extracted_from}
    memories, of_memories = session.memories, list[MemoryWrite]()
    if options.long_term:
        memories, of_memories = _structured(session, stored, now)
    return Promoted(
        messages=tuple(replace(m, persisted_at=now) if m.id in done else m for m in messages),
        memories=memories,
        # A message yields to a memory that has its id, so memories come first.
        records=(*of_memories, *of_messages),
    )


def _marked(messages: Sequence[Message], stored: Session | None) -> list[Message]:
    """The messages, unchanged ones with the marks that the store has, changed ones without any."""
    before = {message.id: message for message in stored.messages} if stored else {}
    result = []
    for message in messages:
        old = before.get(message.id)
        if old is None:
            result.append(message)
        elif (old.role, old.content) == (message.role, message.content):
            extracted = old.discrete_memory_extracted or message.discrete_memory_extracted
            result.append(replace(message, persisted_at=old.persisted_at, discrete_memory_extracted=extracted))
        else:
            result.append(replace(message, persisted_at=None, discrete_memory_extracted=False))
    return result


def _structured(session: Session, stored: Session | None, now: float) -> tuple[tuple[Memory, ...], list[MemoryWrite]]:
    before = {memory.id: memory for memory in stored.memories} if stored else {}
    memories: list[Memory] = []
    records: list[MemoryWrite] = []
    for memory in session.memories:
        old = before.get(memory.id)
        record = structured_record(session.key, memory, session.strategy, now)
        if old is None and memory.persisted_at is not None:
            memories.append(memory)
        elif old is not None and old.persisted_at is not None and _says(session, old) == _says(session, memory):
            memories.append(replace(record.memory, persisted_at=old.persisted_at))
        else:
            memories.append(record.memory)
            records.append(record)
    return tuple(memories), records


def _says(session: Session, memory: Memory) -> Memory:
    """The memory's content and place alone: without times, counts and marks."""
    placed = structured_record(session.key, memory, Strategy(), 0.0).memory
    return replace(placed, created_at=0.0, updated_at=0.0, last_accessed=0.0, access_count=0, revision=0)

"""Store memories given by a caller: durable and searchable when the answer goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.domain.errors import InvalidRequest, RequestRefused
from agent_memory_server.domain.memory import Memory, content_hash
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import place
from agent_memory_server.operations.embedding import vectors_or_owed
from agent_memory_server.ports.memory_store import MemoryWrite, PutStatus

LONG_TERM_OFF = "Long-term memory is disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What became of one record of the request. `id` is where its content is now; `embedded` False: owed."""

    given_id: str
    id: str
    status: PutStatus
    superseded: bool = False
    embedded: bool = True


def require_long_term(app: Application) -> None:
    """Raises: RequestRefused, when long-term memory is switched off."""
    if not app.options.long_term:
        raise RequestRefused(LONG_TERM_OFF)


def refuse_blank(memories: Sequence[Memory]) -> None:
    """Raises: InvalidRequest for a text of spaces alone, which no search could ever find."""
    for index, memory in enumerate(memories):
        if not memory.text.strip():
            raise InvalidRequest(f"Memory at index {index} has empty text", field=f"memories[{index}].text")


def _placed(principal: Principal, memory: Memory, now: float) -> Memory:
    namespace, user_id = place(principal, Action.WRITE, memory.namespace, memory.user_id)
    content = content_hash(memory.memory_type.value, namespace, memory.session_id, memory.text, user_id)
    return replace(memory, namespace=namespace, user_id=user_id, persisted_at=now, memory_hash=content)


async def remember(
    app: Application, principal: Principal, memories: Sequence[Memory], *, deduplicate: bool = True
) -> list[Remembered]:
    """Store records; one result per record, in order.

    Of two records with one id the later one stays, and the earlier one is reported as superseded.
    Raises: InvalidRequest (a blank text), Forbidden, RequestRefused (long-term memory is off), Unavailable (the store
    failed). Then nothing is stored.
    """
    require_long_term(app)
    refuse_blank(memories)
    now = app.clock()
    placed = [_placed(principal, memory, now) for memory in memories]
    last = {memory.id: index for index, memory in enumerate(placed)}
    kept = [memory for index, memory in enumerate(placed) if last[memory.id] == index]
    vectors = await vectors_or_owed(app, [memory.text for memory in kept])
    writes = [MemoryWrite(memory=memory, vector=vector) for memory, vector in zip(kept, vectors, strict=True)]
    results = await app.memories.put(principal.scope, writes, now=now, deduplicate=deduplicate) if writes else []
    by_id = {memory.id: (result, vector) for memory, result, vector in zip(kept, results, vectors, strict=True)}
    remembered = []
    for index, memory in enumerate(placed):
        result, vector = by_id[memory.id]
        remembered.append(
            Remembered(
                given_id=memory.id,
                id=result.id,
                status=result.status,
                superseded=last[memory.id] != index,
                embedded=vector is not None or result.status is PutStatus.DUPLICATE,
            )
        )
    if any(vector is None for vector in vectors):
        app.owed.set()
    if writes:
        app.stored.set()
    return remembered

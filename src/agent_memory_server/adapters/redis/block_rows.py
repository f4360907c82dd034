"""What a block needs of a record, read from its hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.record_fields import LISTS, kind_from, lists_from, text_from, time_from
from agent_memory_server.domain.told import HEAD_CHARS, Telling
from agent_memory_server.domain.words import word_codes, words

_TOLD = ("id_", "text", "namespace", "user_id", "session_id", "memory_type", "created_at", "persisted_at", "event_date",
         *LISTS, "lists_", "revision_")  # fmt: skip
_FIELDS = (*_TOLD, "number_", "superseded_by_", "vector")
AT_ONCE = 100
"""Records of one pipeline: what comes back takes the event loop some 4 ms."""

_SEQUENCE_BITS = 22


@dataclass(frozen=True, slots=True)
class Row:
    """A record. number: of its storing, 0 where it has none; codes: of its words, uint32; vector: unit length, float32,
    None where there is none that can be compared."""

    id: str
    place: tuple[str, str]
    past: bool
    number: int
    told: Telling
    codes: bytes
    vector: bytes | None


class RowReader:
    """Reads the hashes of one prefix."""

    def __init__(self, client: Redis, *, prefix: str, dimensions: int) -> None:
        self._reader = HashReader(client, prefix=prefix, fields=_FIELDS)
        self._bytes = 4 * dimensions

    async def read(self, ids: Iterable[str]) -> dict[str, Row]:
        """The records that are there, by id. Raises: Unavailable."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), AT_ONCE):
            for values in await self._reader.read(wanted[start : start + AT_ONCE]):
                row = self._row(values)
                if row is not None:
                    found[row.id] = row
        return found

    def _row(self, values: Sequence[bytes | None]) -> Row | None:
        found = dict(zip(_FIELDS, values, strict=True))
        if found["id_"] is None or found["text"] is None:
            return None
        text, vector = text_from(found["text"]), found["vector"]
        place = (text_from(found["namespace"]), text_from(found["user_id"]))
        older = found["revision_"] is None
        told = Telling(
            place=hash(place),
            id=text_from(found["id_"]),
            session_id=text_from(found["session_id"]),
            memory_type=kind_from(found["memory_type"]).value,
            created_at=time_from(found["created_at"]) or 0.0,
            persisted_at=time_from(found["persisted_at"]),
            event_date=time_from(found["event_date"]),
            head=text[:HEAD_CHARS],
            sources=lists_from(found, older=older)["extracted_from"] if found["extracted_from"] else (),
        )
        return Row(
            id=told.id,
            place=place,
            past=bool(found["superseded_by_"]),
            number=number_from(found["number_"]),
            told=told,
            codes=word_codes(words(text)).tobytes(),
            vector=None if vector is None or len(vector) != self._bytes else _unit(vector),
        )


def number_from(value: bytes | None) -> int:
    """The number of a record's storing; 0 when absent."""
    time, _, sequence = (value or b"").partition(b"-")
    try:
        return (int(time) << _SEQUENCE_BITS) + int(sequence)
    except ValueError:
        return 0


def _unit(blob: bytes) -> bytes | None:
    """Ours are of unit length; what another server stored need not be."""
    vector = np.frombuffer(blob, "<f4")
    square = float(np.vecdot(vector, vector))
    if abs(square - 1.0) < 1e-4:
        return blob
    if not np.isfinite(square) or square == 0.0:
        return None
    return (vector / np.float32(np.sqrt(square))).astype("<f4").tobytes()

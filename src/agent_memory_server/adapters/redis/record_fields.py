"""Records as fields of a hash, and back: the reference server's fields, and some of our own.

Our own end in an underscore: `revision_`; `exact_` (tokens, see `exact`); `stems_` (words, see `stems`); `order_` (the
id in hex digits: what listings sort by); `number_` (of its storing: an entry of the stream of changes); `owed_` (1
while the vector is missing); `uncompared_` (1 until it was compared with the others of its place); `unlabelled_` (1
until it has topics and entities, or a model found none); `superseded_by_`, `superseded_because_`, `valid_from_`,
`valid_until_` (see `Memory`); `lists_` (JSON of those lists that joining with commas would change).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.redis import stems
from agent_memory_server.adapters.redis.exact import FIELD, tokens
from agent_memory_server.domain.memory import Memory, MemoryType, hash_of

LISTS = ("topics", "entities", "extracted_from")
"""Fields of any number of values."""

READ = (
    "id_", "text", "namespace", "user_id", "session_id", "memory_type", *LISTS, "lists_", "memory_hash",
    "discrete_memory_extracted", "extraction_strategy", "extraction_strategy_config", "metadata", "pinned",
    "access_count", "created_at", "updated_at", "last_accessed", "persisted_at", "event_date", "revision_", "owed_",
    "superseded_by_", "superseded_because_", "valid_from_", "valid_until_",
)  # fmt: skip
"""The fields that `stored_from` reads, in its order."""

_USUAL = {"extraction_strategy_config": "{}", "metadata": "{}", "pinned": "0", "access_count": "0"}
"""Values that go without a field, which takes some 90 bytes: the other server reads an absent one alike. So does an
`extraction_strategy` that is the usual one of the record's type."""

_OPTIONAL = ("lists_", "persisted_at", "event_date", "valid_from_", "valid_until_", "superseded_by_",
             "superseded_because_", "extraction_strategy", *_USUAL)  # fmt: skip

Fields = dict[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it is stored. embedded: it has a vector."""

    memory: Memory
    embedded: bool


def _joined(values: Sequence[str]) -> str:
    return ",".join(values)


def _joins_back(values: Sequence[str]) -> bool:
    """Whether whoever splits at commas, trims, drops what is empty and knows the older `|` gets the same values."""
    return all(value and value == value.strip() and "," not in value and "|" not in value for value in values)


def fields_of(memory: Memory) -> Fields:
    """All fields but the vector and `owed_`. A time that is absent has no field, nor has a usual value."""
    odd = {name: list(getattr(memory, name)) for name in LISTS if not _joins_back(getattr(memory, name))}
    times = {"persisted_at": memory.persisted_at, "event_date": memory.event_date}
    times |= {"valid_from_": memory.valid_from, "valid_until_": memory.valid_until}
    past = {"superseded_by_": memory.superseded_by, "superseded_because_": memory.superseded_because}
    strategy = memory.extraction_strategy
    often = {
        "extraction_strategy_config": json.dumps(dict(memory.extraction_strategy_config), sort_keys=True),
        "metadata": json.dumps(dict(memory.metadata), sort_keys=True),
        "pinned": "1" if memory.pinned else "0",
        "access_count": str(memory.access_count),
    }
    return {
        "id_": memory.id,
        "text": memory.text,
        "namespace": memory.namespace,
        "user_id": memory.user_id,
        "session_id": memory.session_id,
        "memory_type": memory.memory_type.value,
        **{name: _joined(getattr(memory, name)) for name in LISTS},
        **({"lists_": json.dumps(odd)} if odd else {}),
        "memory_hash": memory.memory_hash or hash_of(memory),
        "discrete_memory_extracted": "t" if memory.discrete_memory_extracted else "f",
        **({} if strategy == _usual_strategy(memory.memory_type) else {"extraction_strategy": strategy}),
        **{name: value for name, value in often.items() if value != _USUAL[name]},
        "created_at": repr(float(memory.created_at)),
        "updated_at": repr(float(memory.updated_at)),
        "last_accessed": repr(float(memory.last_accessed)),
        **{name: repr(float(value)) for name, value in times.items() if value is not None},
        **{name: value for name, value in past.items() if value},
        "revision_": str(memory.revision),
        "order_": memory.id.encode().hex(),
        FIELD: tokens(memory),
        stems.FIELD: stems.stems(memory.text),
    }


def _usual_strategy(kind: MemoryType) -> str:
    return "message" if kind is MemoryType.MESSAGE else "discrete"


def missing_from(fields: Mapping[str, str | bytes]) -> list[str]:
    """The optional fields that a record does not have and a replaced one may have had."""
    return [name for name in _OPTIONAL if name not in fields]


def vector_bytes(vector: NDArray[np.float32]) -> bytes:
    """float32, little-endian."""
    return vector.astype("<f4", copy=False).tobytes()


def time_from(value: bytes | None) -> float | None:
    """Unix seconds; ISO text is read too. None when absent or unreadable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = datetime.fromisoformat(value.decode("utf-8", "replace"))
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else None


def _object(value: bytes | None) -> dict[str, Any]:
    if value is None:
        return {}
    try:
        found = json.loads(value or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(text: str, *, older: bool) -> tuple[str, ...]:
    separated = text.replace("|", ",") if older else text
    return tuple(item for part in separated.split(",") if (item := part.strip()))


def lists_from(values: Mapping[str, bytes | None], *, older: bool) -> dict[str, tuple[str, ...]]:
    """The lists by name. older: of a record that we did not write, whose items may be joined with `|`."""
    exact = _object(values["lists_"])
    found = {}
    for name in LISTS:
        text = text_from(values[name])
        kept = exact.get(name)
        # What another server wrote over the joined form since counts, not what we kept beside it.
        found[name] = tuple(kept) if kept is not None and _joined(kept) == text else _list(text, older=older)
    return found


def text_from(value: bytes | None) -> str:
    """UTF-8; "" when absent."""
    return "" if value is None else value.decode("utf-8", "replace")


def kind_from(value: bytes | None) -> MemoryType:
    """A record of an unknown kind is read as a message."""
    try:
        return MemoryType(text_from(value))
    except ValueError:
        return MemoryType.MESSAGE


def _count(value: bytes | None) -> int:
    try:
        return int(value or b"0")
    except ValueError:
        return 0


def stored_from(found: Sequence[bytes | None], access: Sequence[bytes | None]) -> Stored | None:
    """The record of the READ fields and its noted access (`l`, `c`); None where there is none, or only debris."""
    values = dict(zip(READ, found, strict=True))
    if values["id_"] is None or values["text"] is None:
        return None
    now = time.time()
    kind = kind_from(values["memory_type"])
    strategy = values["extraction_strategy"]
    last_accessed = time_from(values["last_accessed"])
    last, count = access
    lists = lists_from(values, older=values["revision_"] is None)
    memory = Memory(
        id=text_from(values["id_"]),
        text=text_from(values["text"]),
        namespace=text_from(values["namespace"]),
        user_id=text_from(values["user_id"]),
        session_id=text_from(values["session_id"]),
        memory_type=kind,
        memory_hash=text_from(values["memory_hash"]),
        discrete_memory_extracted=values["discrete_memory_extracted"] == b"t",
        extraction_strategy=_usual_strategy(kind) if strategy is None else text_from(strategy),
        extraction_strategy_config=_object(values["extraction_strategy_config"]),
        metadata=_object(values["metadata"]),
        pinned=values["pinned"] == b"1",
        access_count=max(_count(values["access_count"]), _count(count)),
        created_at=_or(values["created_at"], now),
        updated_at=_or(values["updated_at"], now),
        last_accessed=max(now if last_accessed is None else last_accessed, float(last or "-inf")),
        persisted_at=time_from(values["persisted_at"]),
        event_date=time_from(values["event_date"]),
        revision=_count(values["revision_"]) or 1,
        superseded_by=text_from(values["superseded_by_"]),
        superseded_because=text_from(values["superseded_because_"]),
        valid_from=time_from(values["valid_from_"]),
        valid_until=time_from(values["valid_until_"]),
        topics=lists["topics"],
        entities=lists["entities"],
        extracted_from=lists["extracted_from"],
    )
    return Stored(memory, embedded=values["owed_"] != b"1")


def _or(value: bytes | None, otherwise: float) -> float:
    found = time_from(value)
    return otherwise if found is None else found

"""Lines of an export file: one JSON object each, told apart by `kind`.

The first is the header; then come tokens, records and sessions, with checkpoints among them from which a cut-off
export goes on, and last the end. Members are those of the domain's values; times are Unix seconds. A vector is the
base64 of its components as 32-bit floats, little-endian.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.session import Session
from agent_memory_server.domain.token import Token
from agent_memory_server.operations.transfer import CarriedSession
from agent_memory_server.ports.memory_store import MemoryWrite

FORMAT = 1
"""The format that this version writes, and the newest one that it reads."""

_LARGEST = 2**53
_LATEST_S = 253_402_300_800.0  # the year 10000
_UNIT = 0.01  # how far from 1 the length of a unit vector of 32-bit floats may be, with a wide margin


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Embedding(_Line):
    """The model that the vectors of the file are of."""

    model: str
    dimensions: int


class Header(_Line):
    """The first line. embedding: None when the file holds no vectors; counts are those at the beginning."""

    kind: Literal["header"] = "header"
    format: int
    version: str
    engine: str
    exported_at: float
    embedding: Embedding | None
    records: int
    sessions: int


class RecordLine(_Line):
    """A record. vector: None where it is owed, or left out."""

    kind: Literal["record"] = "record"
    record: Memory
    vector: str | None = None


class SessionLine(_Line):
    """A session with its messages. folded: digests (32 hex digits) by id of those that its summary replaced."""

    kind: Literal["session"] = "session"
    session: Session
    folded: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] = Field(default_factory=dict)


class TokenLine(_Line):
    """An access token: its digest and what it grants, never its secret."""

    kind: Literal["token"] = "token"
    token: Token


class Checkpoint(_Line):
    """All lines before are complete. cursor: where the listing of records goes on; None: not begun, or done."""

    kind: Literal["checkpoint"] = "checkpoint"
    cursor: str | None
    records_done: bool
    records: int
    sessions: int


class End(_Line):
    """The last line, with the records and sessions that the file holds."""

    kind: Literal["end"] = "end"
    records: int
    sessions: int


Line = Header | RecordLine | SessionLine | TokenLine | Checkpoint | End

_LINES: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def encoded(line: Line) -> bytes:
    """A line of the file, with its end."""
    return line.model_dump_json().encode() + b"\n"


def decoded(raw: bytes) -> Line:
    """A line of the file. Raises: InvalidRequest, naming the member that is wrong and never its value."""
    try:
        line = _LINES.validate_json(raw, strict=True)
    except ValidationError as exc:
        problem = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, problem["loc"][1:])) or "line"
        raise InvalidRequest(f"{where}: {problem['msg']}") from exc
    if isinstance(line, RecordLine):
        _check(line.record)
    if isinstance(line, SessionLine):
        _check_session(line.session)
    return line


def session_line(carried: CarriedSession) -> SessionLine:
    """A session as a line."""
    return SessionLine(session=carried.session, folded={id_: digest.hex() for id_, digest in carried.folded.items()})


def session_of(line: SessionLine) -> CarriedSession:
    """The session of a line."""
    folded = {id_: bytes.fromhex(digest) for id_, digest in line.folded.items()}
    return CarriedSession(session=line.session, folded=folded)


def record_line(write: MemoryWrite) -> RecordLine:
    """A record with its vector, as a line."""
    vector = None if write.vector is None else base64.b64encode(write.vector.astype("<f4").tobytes()).decode()
    return RecordLine(record=write.memory, vector=vector)


def record_write(line: RecordLine, *, dimensions: int | None) -> MemoryWrite:
    """The record of a line. dimensions: of its vector; None leaves the vector out. Raises: InvalidRequest."""
    wanted = dimensions is not None and line.vector is not None
    return MemoryWrite(memory=line.record, vector=_vector(line.vector or "", dimensions or 0) if wanted else None)


def _vector(text: str, dimensions: int) -> NDArray[np.float32]:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise InvalidRequest("vector: it is not base64") from exc
    if len(raw) != dimensions * 4:
        raise InvalidRequest(f"vector: it has {len(raw)} bytes, and {dimensions} dimensions need {dimensions * 4}")
    vector = np.frombuffer(raw, dtype="<f4")
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not math.isfinite(length) or abs(length - 1.0) > _UNIT:
        raise InvalidRequest("vector: it is not of unit length")
    return vector


def _check(memory: Memory) -> None:
    if not memory.id:
        raise InvalidRequest("record.id: it is empty")
    if not 1 <= memory.revision <= _LARGEST or not 0 <= memory.access_count <= _LARGEST:
        raise InvalidRequest("record: revision or access_count is out of range")
    times = (memory.persisted_at, memory.event_date, memory.valid_from, memory.valid_until)
    _check_times("record", memory.created_at, memory.updated_at, memory.last_accessed, *times)


def _check_session(session: Session) -> None:
    if not session.key.session_id:
        raise InvalidRequest("session.key.session_id: it is empty")
    if not 0 <= session.tokens <= _LARGEST or not 0 < (session.ttl_seconds or 1) <= _LARGEST:
        raise InvalidRequest("session: tokens or ttl_seconds is out of range")
    _check_times("session", session.created_at, session.updated_at, session.last_accessed)
    for message in session.messages:
        _check_times("session.messages", message.created_at, message.persisted_at)


def _check_times(where: str, *times: float | None) -> None:
    if not all(time is None or abs(time) <= _LATEST_S for time in times):
        raise InvalidRequest(f"{where}: a time is out of range")

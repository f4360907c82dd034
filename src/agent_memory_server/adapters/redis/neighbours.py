"""The turns beside the turns that a search found, for places that are not in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.block_rows import Row, RowReader, number_from
from agent_memory_server.adapters.redis.exact import FIELD, token
from agent_memory_server.adapters.redis.filter_query import IndexQuery, also
from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.adapters.redis.record_fields import text_from, time_from
from agent_memory_server.domain.filters import EVERYTHING, TextField
from agent_memory_server.domain.memory import MemoryType

_FIELDS = ("id_", "namespace", "user_id", "session_id", "created_at", "persisted_at", "number_")
_AT_ONCE = 500
"""Records whose times one script reads."""

_MOST_TURNS = 10_000
"""Of the sessions of one search whose times are read, 15 µs each."""

_CLOSE_S = 3_600.0
"""Where there are more, a neighbour is one that was said within so long."""

_MESSAGE = f"@{FIELD}:{{{token(TextField.MEMORY_TYPE, MemoryType.MESSAGE.value)}}}"

_Session = tuple[str, str, str]
"""Namespace, user, session."""


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    """In the order of `domain.turns.around`, and of storing between equal times."""

    created_at: float
    persisted_at: float
    number: int
    id: str


class Neighbours:
    """Finds and reads them."""

    def __init__(
        self, client: Redis, index: Index, reader: RowReader, *, prefix: str, most_turns: int = _MOST_TURNS
    ) -> None:
        self._most_turns = most_turns
        self._index = index
        self._reader = reader
        self._times = HashReader(client, prefix=prefix, fields=_FIELDS)

    async def of(self, where: Places, rows: Mapping[str, Row], *, reach: int) -> dict[str, Row]:
        """The turns up to `reach` places away from any of these records, without these. Raises: Unavailable."""
        turns = [row for row in rows.values() if _is_turn(row)]
        query = where.query(EVERYTHING)
        if not turns or query is None:
            return {}
        sessions = await self._sessions(query, turns)
        wanted: set[str] = set()
        for turn in turns:
            session = sessions.get(_session_of(turn), {})
            at = session.get(turn.id)
            if at is not None:
                ids = list(session)
                wanted.update(ids[max(at - reach, 0) : at + reach + 1])
        return await self._reader.read(wanted - rows.keys())

    async def _sessions(self, query: IndexQuery, turns: Sequence[Row]) -> dict[_Session, dict[str, int]]:
        """Of each session of the turns the ids of its turns in order, and their places."""
        wanted = {_session_of(turn) for turn in turns}
        names = "|".join(sorted({token(TextField.SESSION_ID, session_id) for _, _, session_id in wanted}))
        of_them = also(query, f"{_MESSAGE} @{FIELD}:{{{names}}}")
        if await self._index.count(of_them) > self._most_turns:
            of_them = _close_to(of_them, [turn.told.created_at for turn in turns])
        found: dict[_Session, list[_Turn]] = {}
        ids = await self._index.every(of_them)
        for start in range(0, len(ids), _AT_ONCE):
            for values in await self._times.read(ids[start : start + _AT_ONCE]):
                told = dict(zip(_FIELDS, values, strict=True))
                session = (text_from(told["namespace"]), text_from(told["user_id"]), text_from(told["session_id"]))
                if told["id_"] is not None and session in wanted:
                    created, persisted = time_from(told["created_at"]), time_from(told["persisted_at"])
                    turn = _Turn(created or 0.0, persisted or 0.0, number_from(told["number_"]), text_from(told["id_"]))
                    found.setdefault(session, []).append(turn)
        return {session: {turn.id: at for at, turn in enumerate(sorted(turns_))} for session, turns_ in found.items()}


def _is_turn(row: Row) -> bool:
    return row.told.memory_type == MemoryType.MESSAGE.value and bool(row.told.session_id)


def _session_of(row: Row) -> _Session:
    return (*row.place, row.told.session_id)


def _close_to(query: IndexQuery, times: Iterable[float]) -> IndexQuery:
    """Those of a query's records that were made about one of these times."""
    spans: list[tuple[float, float]] = []
    for time in sorted(times):
        if spans and time - _CLOSE_S <= spans[-1][1]:
            spans[-1] = (spans[-1][0], time + _CLOSE_S)
        else:
            spans.append((time - _CLOSE_S, time + _CLOSE_S))
    ranges = "|".join(f"@created_at:[{low!r} {high!r}]" for low, high in spans)
    return also(query, f"({ranges})")

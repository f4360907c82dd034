"""LangGraph: a store whose items are long-term memories. Needs langgraph.

An item is a pinned record: its value lies in the record's metadata, its path in the record's session_id, and its text
is what a search by meaning sees. Other searches of long-term memory find it, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import operator
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

from agent_memory_client._async.client import MemoryAPIClient
from agent_memory_client.exceptions import MemoryNotFoundError
from agent_memory_client.models.records import MemoryRecord, MemoryRecordResult

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        MatchCondition,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
    )
except ImportError as exc:
    raise ImportError("LangGraph is required to use this integration. Install agent-memory-client[langgraph].") from exc

_ROOT = "langgraph:"
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def _place(path: Sequence[str]) -> str:
    return _ROOT + "".join(f"{quote(part, safe='')}/" for part in path)


def _text(value: Mapping[str, Any], fields: Sequence[str] | None) -> str:
    chosen = value if not fields or "$" in fields else {name: value.get(name) for name in fields}
    words = [member for member in chosen.values() if isinstance(member, str) and member.strip()]
    return "\n".join(words) or json.dumps(chosen, ensure_ascii=False)


def _passes(value: Mapping[str, Any], conditions: Mapping[str, Any] | None) -> bool:
    for name, wanted in (conditions or {}).items():
        operators = isinstance(wanted, Mapping) and bool(wanted) and all(key.startswith("$") for key in wanted)
        given = wanted if operators else {"$eq": wanted}
        if not all(_holds(sign, value.get(name), operand) for sign, operand in given.items()):
            return False
    return True


def _holds(sign: str, value: Any, operand: Any) -> bool:
    if sign not in _COMPARISONS:
        raise ValueError(f"{sign!r} is not among the comparisons: {', '.join(_COMPARISONS)}")
    try:
        return _COMPARISONS[sign](value, operand)
    except TypeError:  # an order between things that have none
        return False


def _matches(path: tuple[str, ...], condition: MatchCondition) -> bool:
    wanted = condition.path
    if len(wanted) > len(path):
        return False
    part = path[: len(wanted)] if condition.match_type == "prefix" else path[len(path) - len(wanted) :]
    return all(one in ("*", other) for one, other in zip(wanted, part, strict=True))


class MemoryStore(BaseStore):
    """Items in long-term memory, by path and key, found by meaning. Items do not expire.

    user_id, namespace: whose memory holds them; two stores with different ones do not see each other's items. Paths may
    have about 500 characters.
    """

    def __init__(
        self, memory_client: MemoryAPIClient, *, user_id: str | None = None, namespace: str | None = None
    ) -> None:
        self._client = memory_client
        self._user_id = user_id
        self._namespace = namespace if namespace is not None else memory_client.config.default_namespace

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations in their order, also where no event loop may be used; over a connection of its own."""

        async def run() -> list[Result]:
            async with MemoryAPIClient(self._client.config) as client:
                return await MemoryStore(client, user_id=self._user_id, namespace=self._namespace).abatch(ops)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations in their order."""
        return [await self._carry_out(op) for op in ops]

    async def _carry_out(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            record = await self._get(op.namespace, op.key)
            return _item(record) if record else None
        if isinstance(op, PutOp):
            return await self._put(op)
        if isinstance(op, SearchOp):
            return await self._search(op)
        if isinstance(op, ListNamespacesOp):
            return await self._list(op)
        raise ValueError(f"unknown operation: {op!r}")

    def _id(self, path: Sequence[str], key: str) -> str:
        parts = json.dumps([self._namespace, self._user_id, list(path), key])
        return hashlib.sha256(parts.encode()).hexdigest()

    async def _get(self, path: Sequence[str], key: str) -> MemoryRecord | None:
        try:
            return await self._client.get_long_term_memory(self._id(path, key))
        except MemoryNotFoundError:
            return None

    async def _put(self, op: PutOp) -> None:
        if op.value is None:
            await self._client.delete_long_term_memories([self._id(op.namespace, op.key)])
            return
        before = await self._get(op.namespace, op.key)
        fields = op.index if isinstance(op.index, list) else None
        item = {"path": list(op.namespace), "key": op.key, "value": dict(op.value), "indexed": op.index is not False}
        record: dict[str, Any] = {
            "id": self._id(op.namespace, op.key),
            "text": _text(op.value, fields),
            "session_id": _place(op.namespace),
            "user_id": self._user_id,
            "namespace": self._namespace,
            "pinned": True,
            "created_at": before.created_at if before else None,
            "metadata": {"langgraph": item},
        }
        await self._client.create_long_term_memory([record], deduplicate=False)

    async def _records(self, path: Sequence[str], query: str | None) -> AsyncIterator[MemoryRecordResult]:
        records = self._client.search_all_long_term_memories(
            query,
            session_id={"startswith": _place(path)},
            user_id=self._user_id,
            namespace=self._namespace,
            batch_size=100,
        )
        async for record in records:
            if "langgraph" in record.metadata:
                yield record

    async def _search(self, op: SearchOp) -> list[SearchItem]:
        found: list[SearchItem] = []
        async for record in self._records(op.namespace_prefix, op.query):
            item = record.metadata["langgraph"]
            if _passes(item["value"], op.filter) and (item["indexed"] or not op.query):
                found.append(_search_item(record))
            if len(found) == op.offset + op.limit:
                break
        return found[op.offset :]

    async def _list(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        paths = {tuple(record.metadata["langgraph"]["path"]) async for record in self._records((), None)}
        kept = {
            path[: op.max_depth] if op.max_depth is not None else path
            for path in paths
            if all(_matches(path, condition) for condition in op.match_conditions or ())
        }
        return sorted(kept)[op.offset : op.offset + op.limit]


def _members(record: MemoryRecord) -> dict[str, Any]:
    item = record.metadata["langgraph"]
    return {
        "value": item["value"],
        "key": item["key"],
        "namespace": tuple(item["path"]),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def _item(record: MemoryRecord) -> Item:
    return Item(**_members(record))


def _search_item(record: MemoryRecordResult) -> SearchItem:
    return SearchItem(**_members(record), score=record.score)

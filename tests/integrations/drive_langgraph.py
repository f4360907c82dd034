"""Runs in an environment with the real LangGraph: the store alone, and inside a graph."""

from __future__ import annotations

import asyncio
import os
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore

from agent_memory_client import MemoryAPIClient
from agent_memory_client.integrations.langgraph import MemoryStore

URL = os.environ["MEMORY_URL"]


class State(TypedDict):
    said: str
    known: str


async def recall(state: State, *, store: BaseStore) -> dict[str, str]:
    await store.aput(("graph", "alice"), "fact", {"text": state["said"]})
    found = await store.asearch(("graph",), query=state["said"])
    return {"known": found[0].value["text"]}


async def main() -> None:
    async with MemoryAPIClient(base_url=URL) as client:
        store = MemoryStore(client, user_id="alice")
        assert await store.aget(("a",), "k") is None
        await store.aput(("users", "alice"), "drink", {"text": "Alice drinks tea", "rank": 2})
        await store.aput(("users", "alice"), "pet", {"text": "Alice has a dog", "rank": 5})
        await store.aput(("users", "alice/b"), "odd key/%", {"text": "odd", "rank": 1})
        await store.aput(("users2",), "hidden", {"text": "Alice drinks tea in secret"}, index=False)
        item = await store.aget(("users", "alice"), "drink")
        assert item is not None
        assert (item.value, item.namespace, item.key) == (
            {"text": "Alice drinks tea", "rank": 2},
            ("users", "alice"),
            "drink",
        )
        found = await store.asearch(("users",), query="tea")
        assert found[0].key == "drink"
        assert {each.key for each in found} == {"drink", "pet", "odd key/%"}
        assert {each.key for each in await store.asearch(("users", "alice"))} == {"drink", "pet"}
        assert [each.key for each in await store.asearch(("users",), filter={"rank": {"$gt": 2}})] == ["pet"]
        assert await store.asearch(("users2",), query="tea") == []
        assert len(await store.asearch(("users",), limit=1, offset=1)) == 1
        assert await store.alist_namespaces(prefix=("users",)) == [("users", "alice"), ("users", "alice/b")]
        assert await store.alist_namespaces(max_depth=1) == [("users",), ("users2",)]
        await store.aput(("users", "alice"), "drink", {"text": "Alice drinks coffee"})
        changed = store.batch([])  # a batch without operations has no results
        assert changed == []
        again = await asyncio.to_thread(store.get, ("users", "alice"), "drink")
        assert again is not None
        assert again.value == {"text": "Alice drinks coffee"}
        assert again.created_at == item.created_at
        await store.adelete(("users", "alice"), "drink")
        assert await store.aget(("users", "alice"), "drink") is None
        assert await MemoryStore(client, user_id="bob").asearch(()) == []
        graph = StateGraph(State)
        graph.add_node("recall", recall)
        graph.add_edge(START, "recall")
        graph.add_edge("recall", END)
        state = await graph.compile(store=store).ainvoke({"said": "Alice sings", "known": ""})
        assert state["known"] == "Alice sings"


asyncio.run(main())

"""A chat service that plays every part of the background work, and waiting until that work is done."""

from __future__ import annotations

import json
from typing import Any

from agent_memory_server.operations.application import Application
from tests.support.chat_service import Asked, Given


def lines_of(asked: Asked) -> list[dict[str, Any]]:
    """The numbered lines of a question."""
    return [json.loads(line) for line in asked.text.splitlines() if line.startswith('{"number"')]


def playing(asked: Asked) -> Given:
    """One memory for each message of a person, word for word; two memories are two facts; summaries are short."""
    wanted = (asked.schema or {}).get("properties", {})
    lines = lines_of(asked)
    if "pairs" in wanted:
        return {"pairs": [{"number": line["number"], "relation": "different", "text": ""} for line in lines]}
    if "memories" not in wanted:
        return "They talk about the houses that the sister of the user wrote about. " * 30
    if "quote" not in wanted["memories"]["items"]["properties"]:
        return {"memories": [{"number": line["number"], "topics": ["talk"], "entities": []} for line in lines]}
    return {"memories": [_memory(line) for line in lines if line["role"] == "user"]}


def _memory(line: dict[str, Any]) -> dict[str, Any]:
    usual = {"type": "semantic", "topics": ["talk"], "entities": [], "event_date": ""}
    return usual | {"text": line["text"], "quote": line["text"], "source": line["number"]}


async def at_rest(app: Application) -> bool:
    """Whether nothing is due, running or rung for at the application's time, and every text is embedded."""
    if app.owed.is_set() or app.stored.is_set() or await app.memories.owed_embeddings(limit=1):
        return False
    pulse = await app.jobs.pulse(now=app.clock())
    waits = pulse.oldest_due is not None and pulse.oldest_due <= app.clock()
    return not waits and not (await app.jobs.figures()).running

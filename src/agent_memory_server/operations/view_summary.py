"""The summary of a group of records: by a chat model, or without one the records' own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agent_memory_server.domain.fencing import DATA_RULE, fenced, fenced_lines
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.tokens import estimate_tokens
from agent_memory_server.domain.view import View
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest

USED_AT_MOST = 200
"""Records in one summary: the newest."""
WITHOUT_MODEL = "No language model took part (GENERATION_MODEL is not set). The latest memories, word for word:"
_SHOWN_WITHOUT_MODEL = 50
_PROMPT = (
    "Summarize these memories: key facts, lasting preferences and important events, briefly and in the order of time. "
    "Name only dates that the memories carry. Answer with the summary alone, as plain text."
)


async def summary_of(app: Application, view: View, group: Mapping[str, str], memories: Sequence[Memory]) -> str:
    """A summary of these memories, oldest first, at least one. Raises: Unavailable, when the model fails."""
    model = app.chat if app.chat is not None and view.model_name == app.chat.model else app.fast_chat
    if model is None:
        return "\n".join([WITHOUT_MODEL, *(f"- {memory.text}" for memory in memories[-_SHOWN_WITHOUT_MODEL:])])
    lines = _fitting(app, model, memories)
    head = f"{view.prompt or _PROMPT}\n\nThe group:\n{fenced_lines('group', [group])}"
    note = f"These are {len(lines)} of {len(memories)} memories." if len(lines) < len(memories) else ""
    text = f"{head}\n\nThe memories, one on each line:\n{fenced_lines('memories', lines)}\n{note}".strip()
    answer = await model.ask(ChatRequest(purpose="view", instructions=DATA_RULE, text=text))
    return answer.text


def _fitting(app: Application, model: ChatModel, memories: Sequence[Memory]) -> list[dict[str, Any]]:
    """The newest memories that fit the model's window, oldest first, as the model is shown them; at least one."""
    window = model.context_tokens
    room = max(int(window * app.options.summarize_at) - min(4096, window // 10), 1024)
    longest = min(1024, window // 20)
    lines: list[dict[str, Any]] = []
    for memory in reversed(memories):
        text = memory.text if estimate_tokens(memory.text) <= longest else memory.text[: 4 * longest]
        line = _line(memory, text)
        room -= estimate_tokens(fenced("memories", str(line)))
        if room < 0 and lines:
            break
        lines.append(line)
    return lines[::-1]


def _line(memory: Memory, text: str) -> dict[str, Any]:
    members = {
        "id": memory.id,
        "text": text,
        "created_at": _iso(memory.created_at),
        "event_date": None if memory.event_date is None else _iso(memory.event_date),
        "session_id": memory.session_id,
        "user_id": memory.user_id,
        "namespace": memory.namespace,
        "topics": list(memory.topics),
    }
    return {name: value for name, value in members.items() if value}


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")

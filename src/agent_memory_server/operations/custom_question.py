"""The question that a custom strategy puts to a chat model: the caller's prompt, filled in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from agent_memory_server.domain.custom_prompts import filled
from agent_memory_server.domain.session import Session

INSTRUCTIONS: Final = (
    "You read memories out of a conversation for an application, which describes its wish first. Answer with a list "
    "of memories, each a sentence that is understood alone. `source` is the number of the message that says it, "
    "`quote` the words copied from it. `type` is episodic for an event, else semantic. `event_date` is ISO 8601 or "
    "empty. Nothing worth keeping: an empty list."
)
_LONGEST_PLACE = 200


def custom_task(session: Session, messages: str, earlier: str, *, model: str, now: float) -> str:
    """The prompt of the session's strategy with its variables replaced.

    messages, earlier: fenced turns. A prompt that does not place the messages itself has them behind it.
    Raises: InvalidRequest, when the prompt is refused or uses what has no value.
    """
    config = dict(session.strategy.config)
    prompt = str(config.pop("custom_prompt", ""))
    own = {name: value if isinstance(value, str) else json.dumps(value) for name, value in config.items()}
    task = filled(prompt, own | _values(session, messages, earlier, model, now))
    return task if messages in task else f"{task}\n{messages}"


def _values(session: Session, messages: str, earlier: str, model: str, now: float) -> dict[str, str]:
    key = session.key
    return {
        "message": messages,
        "context": earlier,
        "current_datetime": datetime.fromtimestamp(now, UTC).strftime("%A %Y-%m-%d %H:%M UTC"),
        "session_id": _inline(key.session_id),
        "namespace": _inline(key.namespace),
        "user_id": _inline(key.user_id),
        "model_name": model,
        "topics": "",
        "entities": "",
    }


def _inline(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_PLACE]

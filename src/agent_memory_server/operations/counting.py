"""How many tokens messages take: exactly where the model's encoding is at hand, else estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.session import Message
from agent_memory_server.domain.tokens import message_text, message_tokens
from agent_memory_server.operations.application import Application


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of each message, in order. encoding: by which they were counted; None: they were estimated."""

    sizes: tuple[int, ...]
    encoding: str | None

    @property
    def total(self) -> int:
        """Tokens of all of them."""
        return sum(self.sizes)

    def last(self, number: int) -> Counted:
        """Of so many messages, the last ones."""
        return Counted(self.sizes[len(self.sizes) - number :], self.encoding)


async def count(app: Application, messages: Sequence[Message], model: str | None) -> Counted:
    """Tokens of messages as a model sees them. model: None stands for the one of extraction and summaries."""
    asked = model or (app.chat.model if app.chat else None)
    encoding = app.encodings.of(asked) if app.encodings and asked and messages else None
    if app.encodings and encoding:
        found = await app.encodings.count(encoding, [message_text(message) for message in messages])
        if found is not None:
            return Counted(tuple(found), encoding)
    return Counted(tuple(map(message_tokens, messages)), None)

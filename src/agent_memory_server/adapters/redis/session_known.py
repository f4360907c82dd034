"""Messages of an append that the session knows already: those that are there, and those that were folded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent_memory_server.adapters.redis.session_document import head_from, message_from
from agent_memory_server.domain.messages import message_digest, other_content, same_message
from agent_memory_server.domain.session import Message, Session, SessionKey


@dataclass(frozen=True, slots=True)
class Known:
    """What an append found of its messages: the session's head, and by id those that are there, and the digests of
    those that were folded."""

    head: Session
    messages: Mapping[str, Message]
    folded: Mapping[str, str]

    @property
    def ids(self) -> frozenset[str]:
        """Of messages that are not to be added."""
        return frozenset((*self.messages, *self.folded))


def known_of(key: SessionKey, words: Sequence[bytes]) -> Known:
    """What the script tells of the messages that it knows."""
    messages, folded = dict[str, Message](), dict[str, str]()
    for id_, text in zip(words[1::2], words[2::2], strict=True):
        if text.startswith(b"#"):
            folded[id_.decode()] = text[1:].decode()
        else:
            messages[id_.decode()] = message_from(json.loads(text))
    return Known(head_from(key, words[0]), messages, folded)


def as_stored(messages: Sequence[Message], known: Known | None) -> tuple[Message, ...]:
    """The messages, those that are there as they are stored. Raises: Conflict."""
    if known is None:
        return tuple(messages)
    for message in messages:
        digest = known.folded.get(message.id)
        if digest is not None and digest != message_digest(message).hex():
            raise other_content(message)
        if not same_message(known.messages.get(message.id, message), message):
            raise other_content(message)
    return tuple(known.messages.get(message.id, message) for message in messages)

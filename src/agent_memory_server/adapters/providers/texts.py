"""What every embedder asks of a text."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_server.domain.errors import InvalidRequest


def refuse_broken(texts: Sequence[str]) -> None:
    """Refuse texts that are no Unicode (half of a surrogate pair): no tokenizer and no wire format carries them.

    Raises: InvalidRequest, naming the position and not the text.
    """
    for position, text in enumerate(texts):
        if text.isascii():
            continue
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise InvalidRequest(f"text {position} holds half of a surrogate pair and cannot be embedded") from exc

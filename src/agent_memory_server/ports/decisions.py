"""What chat models decided, by the digest of the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Decisions(Protocol):
    """A bounded, durable memory of answers. Losing an entry costs one question, nothing else.

    Callers keep nothing here that can be read without the texts that were asked about (`domain.sealing`): those may be
    deleted, and these entries are not.
    """

    async def get(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """The answers that are there, by digest (32 bytes). Raises: Unavailable."""
        ...

    async def keep(self, answers: Mapping[bytes, bytes]) -> None:
        """Keep answers by digest, in place of those under the same digests; the oldest go when the bound is reached.
        Raises: Unavailable."""
        ...

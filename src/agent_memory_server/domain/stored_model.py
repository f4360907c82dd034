"""What the vectors of a store were made with, so that nothing is compared that cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The embedding model of the stored vectors."""

    model: str
    dimensions: int

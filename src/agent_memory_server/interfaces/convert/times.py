"""Times: ISO 8601 with Z on the wire, Unix seconds inside."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from pydantic import BaseModel


def unix(value: datetime) -> float:
    """Unix seconds, to the microsecond. value: with a zone."""
    return round(value.timestamp(), 6)


def unix_or_none(value: datetime | None) -> float | None:
    """`unix`, where there is a time."""
    return None if value is None else unix(value)


def given(model: BaseModel, name: str, otherwise: float) -> float:
    """The time in a model's field as Unix seconds; `otherwise` when the request left it out."""
    return unix(getattr(model, name)) if name in model.model_fields_set else otherwise


@lru_cache(maxsize=16_384)
def iso(seconds: float) -> str:
    """UTC, shown as Z, with microseconds where there are any. Kept: the same records are read again and again."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6] + "Z"


def iso_or_none(seconds: float | None) -> str | None:
    """`iso`, where there is a time."""
    return None if seconds is None else iso(seconds)

"""Checks that a caller can make before anything is sent."""

from __future__ import annotations

import re
from typing import Any

from agent_memory_client.exceptions import MemoryValidationError
from agent_memory_client.models.enums import MemoryTypeEnum
from agent_memory_client.models.records import MemoryRecord

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_SEARCH_KEYS = frozenset(
    "session_id namespace topics entities created_at last_accessed event_date user_id distance_threshold memory_type "
    "extraction_strategy limit offset".split()
)


class Validation:
    """Checks of records and filters; every call makes those of the wire format by itself."""

    def validate_memory_record(self, memory: MemoryRecord) -> None:
        """Check a record's text, type and id; stricter than the server, which takes any id and not only ULIDs.

        Raises: MemoryValidationError.

        >>> from agent_memory_client.models import ClientMemoryRecord
        >>> client.validate_memory_record(ClientMemoryRecord(text="Ana prefers tea"))
        """
        if not memory.text.strip():
            raise MemoryValidationError("Memory text cannot be empty")
        if memory.memory_type not in [*MemoryTypeEnum]:
            raise MemoryValidationError(f"Invalid memory type: {memory.memory_type}")
        if memory.id and not _ULID.fullmatch(memory.id):
            raise MemoryValidationError(f"Invalid ID format: {memory.id}")

    def validate_search_filters(self, **filters: Any) -> None:
        """Check the names of filters, and limit, offset and distance_threshold. Raises: MemoryValidationError.

        >>> client.validate_search_filters(user_id={"eq": "ana"}, limit=5)
        """
        for name in filters:
            if name not in _SEARCH_KEYS:
                raise MemoryValidationError(f"Invalid filter key: {name}")
        if not _is_integer(filters.get("limit", 1), 1):
            raise MemoryValidationError("Limit must be a positive integer")
        if not _is_integer(filters.get("offset", 0), 0):
            raise MemoryValidationError("Offset must be a non-negative integer")
        threshold = filters.get("distance_threshold", 0)
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold >= 0:
            raise MemoryValidationError("Distance threshold must be a non-negative number")


def _is_integer(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least

"""The sizes that the format allows: requests beyond them are refused with 422. Documented, so clients can plan."""

from __future__ import annotations

from typing import Final

MAX_ID_CHARS: Final = 512
"""Ids, and the scope values namespace, user_id and session_id."""

MAX_TEXT_CHARS: Final = 1_000_000
"""The text of a memory, the content of a message, the running summary of a session."""

MAX_QUERY_CHARS: Final = 100_000
"""The text of a search or of a prompt."""

MAX_ROLE_CHARS: Final = 64
MAX_MODEL_NAME_CHARS: Final = 256

MAX_LABEL_CHARS: Final = 512
"""One topic or entity."""

MAX_LABELS: Final = 1000
"""Topics (or entities) of one memory; values in one list of a filter."""

MAX_SOURCES: Final = 10_000
"""Message ids in `extracted_from`."""

MAX_RECORDS: Final = 10_000
"""Memories in one create request, and structured memories of a session."""

MAX_MESSAGES: Final = 100_000
"""Messages in one request."""

MAX_PINNED_IDS: Final = 100_000
MAX_GROUP_FIELDS: Final = 16

MAX_PAGE: Final = 100
"""Records or sessions in one page."""

MAX_OFFSET: Final = 1_000_000_000

MAX_WEIGHT: Final = 1000.0
"""Recency weights; the defaults lie between 0 and 1."""

MAX_DAYS: Final = 1_000_000.0
"""Half lives, ages and time windows."""

MAX_TTL_SECONDS: Final = 3_153_600_000
"""A hundred years."""

MAX_INT: Final = 2**63 - 1
"""Integers are 64-bit: a larger one would lose digits in an engine."""

MAX_JSON_DEPTH: Final = 64
"""Nesting of objects and lists in `data`, `metadata` and the like."""

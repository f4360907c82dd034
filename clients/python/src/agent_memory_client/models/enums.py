"""The closed sets of words in the format."""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias


class WireEnum(str, Enum):
    """A word of the format; `str()` of it is the word itself."""

    def __str__(self) -> str:
        return str(self.value)


class MemoryTypeEnum(WireEnum):
    """semantic: a lasting fact; episodic: an event with a time; message: a turn of a conversation."""

    EPISODIC = "episodic"
    SEMANTIC = "semantic"
    MESSAGE = "message"


class SearchModeEnum(WireEnum):
    """semantic: by meaning; keyword: by words; hybrid: both, weighted by `hybrid_alpha`."""

    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class SearchScoreTypeEnum(WireEnum):
    """Which ranking a score comes from."""

    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class SummaryViewSource(WireEnum):
    """What a summary view summarizes."""

    LONG_TERM = "long_term"
    WORKING_MEMORY = "working_memory"


class TaskTypeEnum(WireEnum):
    """What a task does."""

    SUMMARY_VIEW_FULL_RUN = "summary_view_full_run"


class TaskStatusEnum(WireEnum):
    """How far a task is; success and failed are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


TaskStatus = TaskStatusEnum

ExtractedFlag: TypeAlias = Literal["t", "f"]
"""Whether memories were extracted already: t(rue) or f(alse)."""

StrategyName: TypeAlias = Literal["discrete", "summary", "preferences", "custom"]

Inclusive: TypeAlias = Literal["both", "neither", "left", "right"]
"""Which bounds belong to a range: left is the lower one."""

TextScorer: TypeAlias = Literal[
    "BM25STD",
    "BM25STD.NORM",
    "BM25STD.TANH",
    "BM25",
    "TFIDF",
    "TFIDF.DOCNORM",
    "DISMAX",
    "DOCSCORE",
    "HAMMING",
]
"""The scorers of Redis' query engine. Accepted for compatibility; the ranking is the server's own."""

WriteStatus: TypeAlias = Literal["created", "replaced", "duplicate", "superseded", "failed"]
"""created: a new record; replaced: the record with this id was overwritten; duplicate: its content was there already,
nothing was stored; superseded: a later record of the same request has the same id; failed: see the reason."""

OutcomeCause: TypeAlias = Literal["same_id", "same_content", "same_id_later"]
"""same_id: a record with this id was there (its former content is in its history); same_content: a record of the same
namespace, user and session had this type and text; same_id_later: a later record of the request has this id."""

ModelNameLiteral: TypeAlias = str
"""Any model name is accepted; the alias remains for code that is annotated with it."""

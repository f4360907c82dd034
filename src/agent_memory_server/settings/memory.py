"""What an operator can set about memories and sessions, as the operations' options."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent_memory_server.adapters.providers.rerank.settings import RerankSettings
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.operations.options import Options
from agent_memory_server.settings.extraction import ExtractionSettings
from agent_memory_server.settings.labels import LabelSettings

_MINUTE_S = 60.0
_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False)


class MemorySettings(BaseModel):
    """Long-term memory: whether it is kept, and what is let go."""

    model_config = _CONFIG

    long_term: bool = Field(
        True, alias="LONG_TERM_MEMORY", description="`false`: only sessions; long-term routes answer 400."
    )
    index_messages: bool = Field(
        True,
        alias="INDEX_ALL_MESSAGES_IN_LONG_TERM_MEMORY",
        description="Every message also becomes a searchable record. On by default: extraction keeps only part "
        "of what was said.",
    )
    consolidate: bool = Field(
        True,
        alias="COMPACT_SEMANTIC_DUPLICATES",
        description="Merge memories of one user that say the same, and let a newer one supersede what it contradicts.",
    )
    duplicate_distance: float = Field(
        0.35,
        ge=0,
        le=1,
        alias="DEDUPLICATION_DISTANCE_THRESHOLD",
        description="Cosine distance up to which two memories are compared for that.",
    )
    consolidate_every_minutes: float = Field(
        10.0, gt=0, le=525_600, alias="COMPACTION_EVERY_MINUTES", description="Minutes between two such runs."
    )
    forgetting: bool = Field(
        False, alias="FORGETTING_ENABLED", description="Delete memories by the rules below, at intervals."
    )
    forgetting_every_minutes: float = Field(
        60.0, gt=0, le=525_600, alias="FORGETTING_EVERY_MINUTES", description="Minutes between two such runs."
    )
    max_age_days: float | None = Field(
        None, ge=0, alias="FORGETTING_MAX_AGE_DAYS", description="Older memories may go (see below)."
    )
    max_inactive_days: float | None = Field(
        None, ge=0, alias="FORGETTING_MAX_INACTIVE_DAYS", description="Memories unused for longer may go."
    )
    keep_top_n: int | None = Field(
        None, ge=0, alias="FORGETTING_BUDGET_KEEP_TOP_N", description="Keep at most this many, best by recency."
    )


class SessionSettings(BaseModel):
    """Working memory: what a message needs, and when a session counts as full."""

    model_config = _CONFIG

    require_timestamps: bool = Field(
        False, alias="REQUIRE_MESSAGE_TIMESTAMPS", description="Refuse messages without `created_at`."
    )
    max_future_s: float = Field(
        300.0,
        ge=0,
        alias="MAX_FUTURE_TIMESTAMP_SECONDS",
        description="How far ahead of this server's clock a message's time may be, in seconds.",
    )
    summarize_at: float = Field(
        0.7,
        gt=0,
        le=1,
        alias="SUMMARIZATION_THRESHOLD",
        description="Share of the context window beyond which a session is full and its old messages are folded into "
        "a summary; also in `context_percentage_until_summarization`.",
    )

    summarize: bool = Field(
        True,
        alias="ENABLE_WORKING_MEMORY_SUMMARIZATION",
        description="Fold old messages of a full session into its summary, in the background: by GENERATION_MODEL, "
        "else by an extract of their sentences.",
    )
    summary_prompt: str | None = Field(
        None,
        alias="PROGRESSIVE_SUMMARIZATION_PROMPT",
        description="Prompt of your own; `{prev_summary}` and `{messages_joined}` stand for the summary so far and "
        "the messages. The answer NONE keeps the summary.",
    )

    encodings_dir: Path | None = Field(
        None,
        alias="TIKTOKEN_CACHE_DIR",
        description="Folder with encoding files of tiktoken, under the names that it gives them; those of the package "
        "litellm are found without. Nothing is fetched. See [tokens](#tokens).",
    )

    view_refresh_minutes: int = Field(
        60,
        gt=0,
        alias="SUMMARY_VIEW_REFRESH_EVERY_MINUTES",
        description="Minutes between two refreshes of continuous summary views.",
    )

    @field_validator("summary_prompt")
    @classmethod
    def _with_both_placeholders(cls, value: str | None) -> str | None:
        for placeholder in ("{prev_summary}", "{messages_joined}"):
            if value is not None and placeholder not in value:
                raise ValueError(f"the prompt must contain {placeholder}")
        return value


class QuerySettings(BaseModel):
    """Queries that a chat model rewrites, for requests with `optimize_query`."""

    model_config = _CONFIG

    rewrite_prompt: str | None = Field(
        None,
        alias="QUERY_OPTIMIZATION_PROMPT_TEMPLATE",
        description="Prompt of your own that rewrites a query; `{query}` stands for it.",
    )
    shortest_rewrite: int = Field(
        2, ge=0, alias="MIN_OPTIMIZED_QUERY_LENGTH", description="Shorter rewrites are discarded; characters."
    )
    rewrite_timeout_s: float = Field(
        5.0,
        gt=0,
        alias="QUERY_OPTIMIZATION_TIMEOUT_S",
        description="The longest a search waits for the rewrite, in seconds; then the query is searched as it is.",
    )

    @field_validator("rewrite_prompt")
    @classmethod
    def _with_its_placeholder(cls, value: str | None) -> str | None:
        if value is not None and "{query}" not in value:
            raise ValueError("the prompt must contain {query}")
        return value


def options_of(
    memory: MemorySettings,
    sessions: SessionSettings,
    extraction: ExtractionSettings,
    queries: QuerySettings | None = None,
    rerank: RerankSettings | None = None,
    labels: LabelSettings | None = None,
) -> Options:
    """The options that operations are given."""
    policy = RetentionPolicy(
        max_age_days=memory.max_age_days, max_inactive_days=memory.max_inactive_days, budget=memory.keep_top_n
    )
    rewriting = queries or QuerySettings()
    labelling = labels or LabelSettings()
    return Options(
        long_term=memory.long_term,
        index_messages=memory.index_messages,
        require_timestamps=sessions.require_timestamps,
        max_future_s=sessions.max_future_s,
        summarize_at=sessions.summarize_at,
        summarize=sessions.summarize,
        summary_prompt=sessions.summary_prompt,
        view_refresh_s=sessions.view_refresh_minutes * _MINUTE_S,
        rewrite_prompt=rewriting.rewrite_prompt,
        shortest_rewrite=rewriting.shortest_rewrite,
        rewrite_timeout_s=rewriting.rewrite_timeout_s,
        rerank_candidates=(rerank or RerankSettings()).candidates,
        extraction=extraction.discrete,
        extraction_aim=extraction.aim,
        extract_after_s=extraction.debounce_s,
        extract_within_s=extraction.longest_wait_s,
        topics=labelling.topics,
        entities=labelling.entities,
        most_topics=labelling.most_topics,
        consolidate=memory.consolidate,
        duplicate_distance=memory.duplicate_distance,
        consolidate_every_s=memory.consolidate_every_minutes * _MINUTE_S,
        forgetting=policy if memory.forgetting else None,
        forgetting_every_s=memory.forgetting_every_minutes * _MINUTE_S,
    )

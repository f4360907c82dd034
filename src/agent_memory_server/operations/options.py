"""What an operator can set about the operations' behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.support import Aim


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Switches and limits that operations read. Each is a documented setting.

    long_term:             LONG_TERM_MEMORY; off: long-term operations are refused, nothing is promoted.
    index_messages:        INDEX_ALL_MESSAGES_IN_LONG_TERM_MEMORY; messages become searchable records.
    require_timestamps:    REQUIRE_MESSAGE_TIMESTAMPS.
    max_future_s:          MAX_FUTURE_TIMESTAMP_SECONDS; how far ahead of the clock a message's time may be.
    summarize_at:          SUMMARIZATION_THRESHOLD, share of the context window.
    summarize:             ENABLE_WORKING_MEMORY_SUMMARIZATION.
    summary_prompt:        PROGRESSIVE_SUMMARIZATION_PROMPT; None: the built-in one.
    context_window:        tokens assumed when a request names neither a model nor a window.
    rewrite_prompt:        QUERY_OPTIMIZATION_PROMPT_TEMPLATE, with `{query}`; None: the built-in one.
    shortest_rewrite:      MIN_OPTIMIZED_QUERY_LENGTH, characters.
    rewrite_timeout_s:     QUERY_OPTIMIZATION_TIMEOUT_S.
    rerank_candidates:     RERANK_CANDIDATES; how many of the first results a re-ranker is asked about.
    extraction:            ENABLE_DISCRETE_MEMORY_EXTRACTION; memories are read out of conversations.
    extraction_aim:        EXTRACTION_AIM; what it is to miss rather, where a session's strategy does not say.
    extract_after_s:       EXTRACTION_DEBOUNCE_SECONDS; a session is read when it was quiet for so long,
    extract_within_s:      EXTRACTION_LONGEST_WAIT_SECONDS; or when its first unread message has waited for so long.
    view_refresh_s:        SUMMARY_VIEW_REFRESH_EVERY_MINUTES, in seconds.
    consolidate:           COMPACT_SEMANTIC_DUPLICATES; memories that say the same are merged.
    duplicate_distance:    DEDUPLICATION_DISTANCE_THRESHOLD; cosine distance up to which memories are compared.
    topics:                ENABLE_TOPIC_EXTRACTION; a model finds topics of records that have none,
    entities:              ENABLE_NER; and entities.
    most_topics:           TOP_K_TOPICS.
    consolidate_every_s:   COMPACTION_EVERY_MINUTES.
    forgetting:            the policy of periodic forgetting; None when it is off.
    """

    long_term: bool = True
    index_messages: bool = True
    require_timestamps: bool = False
    max_future_s: float = 300.0
    summarize_at: float = 0.7
    summarize: bool = True
    summary_prompt: str | None = None
    context_window: int = 16_000
    rewrite_prompt: str | None = None
    shortest_rewrite: int = 2
    rewrite_timeout_s: float = 5.0
    rerank_candidates: int = 30
    extraction: bool = True
    extraction_aim: Aim = Aim.BALANCED
    extract_after_s: float = 30.0
    extract_within_s: float = 300.0
    view_refresh_s: float = 3600.0
    consolidate: bool = True
    duplicate_distance: float = 0.35
    topics: bool = True
    entities: bool = True
    most_topics: int = 3
    consolidate_every_s: float = 600.0
    forgetting: RetentionPolicy | None = None
    forgetting_every_s: float = 3600.0

"""The client's public surface against that of the published one: a program written for that one finds every name,
every parameter by its name, in its order and with its default, and whatever we add can only be given by name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import agent_memory_client
from agent_memory_client import MemoryAPIClient, MemoryClientConfig, SyncMemoryAPIClient, filters, models

SIGNATURES = """
health_check()
list_sessions(limit=20, offset=0, namespace=None, user_id=None)
get_working_memory(session_id, user_id=None, namespace=None, model_name=None, context_window_max=None)
get_or_create_working_memory(session_id, user_id=None, namespace=None, model_name=None, context_window_max=None, \
long_term_memory_strategy=None)
put_working_memory(session_id, memory, user_id=None, model_name=None, context_window_max=None)
delete_working_memory(session_id, namespace=None, user_id=None)
set_working_memory_data(session_id, data, namespace=None, preserve_existing=True)
add_memories_to_working_memory(session_id, memories, namespace=None, replace=False)
update_working_memory_data(session_id, data_updates, namespace=None, merge_strategy='merge', user_id=None)
append_messages_to_working_memory(session_id, messages, namespace=None, model_name=None, context_window_max=None, \
user_id=None)
create_long_term_memory(memories, deduplicate=True)
get_long_term_memory(memory_id)
edit_long_term_memory(memory_id, updates)
delete_long_term_memories(memory_ids)
forget_long_term_memories(policy, namespace=None, user_id=None, session_id=None, limit=None, dry_run=False, \
pinned_ids=None)
search_long_term_memory(text, search_mode='semantic', hybrid_alpha=None, text_scorer=None, session_id=None, \
namespace=None, topics=None, entities=None, created_at=None, last_accessed=None, user_id=None, \
distance_threshold=None, memory_type=None, extraction_strategy=None, recency=None, limit=10, offset=0, \
optimize_query=False)
search_all_long_term_memories(text, session_id=None, namespace=None, topics=None, entities=None, created_at=None, \
last_accessed=None, user_id=None, distance_threshold=None, memory_type=None, batch_size=50)
bulk_create_long_term_memories(memory_batches, batch_size=100, delay_between_batches=0.1)
promote_working_memories_to_long_term(session_id, memory_ids=None, namespace=None)
memory_prompt(query, session_id=None, namespace=None, model_name=None, context_window_max=None, \
long_term_search=None, user_id=None, optimize_query=False)
hydrate_memory_prompt(query, session_id=None, namespace=None, topics=None, entities=None, created_at=None, \
last_accessed=None, user_id=None, distance_threshold=None, memory_type=None, limit=10, offset=0, \
optimize_query=False, search_mode='semantic', hybrid_alpha=None, text_scorer=None, event_date=None, \
recency_boost=None, recency_semantic_weight=None, recency_recency_weight=None, recency_freshness_weight=None, \
recency_novelty_weight=None, recency_half_life_last_access_days=None, recency_half_life_created_days=None, \
server_side_recency=None)
list_summary_views()
create_summary_view(request)
get_summary_view(view_id)
delete_summary_view(view_id)
run_summary_view_partition(view_id, group)
list_summary_view_partitions(view_id, namespace=None, user_id=None, session_id=None, memory_type=None)
run_summary_view(view_id, force=False)
get_task(task_id)
validate_memory_record(memory)
validate_search_filters(**filters)
search_memory_tool(query, search_mode='semantic', hybrid_alpha=None, text_scorer=None, topics=None, entities=None, \
memory_type=None, max_results=10, offset=0, min_relevance=None, user_id=None, optimize_query=False)
get_working_memory_tool(session_id, namespace=None, user_id=None)
get_or_create_working_memory_tool(session_id, namespace=None, user_id=None, long_term_memory_strategy=None)
add_memory_tool(session_id, text, memory_type, topics=None, entities=None, namespace=None, user_id=None)
update_memory_data_tool(session_id, data, merge_strategy='merge', namespace=None, user_id=None)
resolve_tool_call(tool_call, session_id, namespace=None, user_id=None)
resolve_tool_calls(tool_calls, session_id, namespace=None, user_id=None)
resolve_function_call(function_name, function_arguments, session_id, namespace=None, user_id=None)
resolve_function_calls(function_calls, session_id, namespace=None, user_id=None)
"""
PUBLISHED = dict(line.rstrip(")").split("(", 1) for line in SIGNATURES.split("\n") if line)


def written(function: Any) -> tuple[str, list[inspect.Parameter]]:
    """Its parameters up to the first that can only be given by name, as in the table, and the others."""
    signature = inspect.signature(function)
    ordinary: list[inspect.Parameter] = []
    added: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        bare = parameter.replace(annotation=inspect.Parameter.empty)
        (added if parameter.kind is inspect.Parameter.KEYWORD_ONLY else ordinary).append(bare)
    return ", ".join(map(str, ordinary)), added


@pytest.mark.parametrize("client", [MemoryAPIClient, SyncMemoryAPIClient])
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_method_takes_what_the_published_client_takes_and_more_only_by_name(client: type, name: str) -> None:
    ordinary, added = written(getattr(client, name))
    assert ordinary == PUBLISHED[name]
    assert all(parameter.default is not inspect.Parameter.empty for parameter in added)


def test_a_client_is_configured_by_the_same_names() -> None:
    config = MemoryClientConfig(base_url="http://memory")
    defaults = config.model_dump(include=set(CONFIG))
    assert defaults == CONFIG
    ordinary, _ = written(agent_memory_client.create_memory_client)
    assert ordinary == (
        "base_url, timeout=30.0, default_namespace=None, default_model_name=None, default_context_window_max=None"
    )


CONFIG: dict[str, object] = {
    "timeout": 30.0,
    "default_namespace": None,
    "default_model_name": None,
    "default_context_window_max": None,
}

MEMBERS = {
    "MemoryStrategyConfig": "strategy config",
    "MemoryMessage": "role content id created_at persisted_at discrete_memory_extracted",
    "MemoryRecord": "id text session_id user_id namespace last_accessed created_at updated_at topics entities "
    "memory_hash discrete_memory_extracted memory_type persisted_at extracted_from event_date extraction_strategy "
    "extraction_strategy_config",
    "ExtractedMemoryRecord": "text memory_type",
    "ClientMemoryRecord": "id text",
    "WorkingMemory": "messages memories data context user_id tokens session_id namespace long_term_memory_strategy "
    "ttl_seconds last_accessed",
    "WorkingMemoryResponse": "messages memories data context user_id tokens session_id namespace ttl_seconds "
    "new_session unsaved context_percentage_total_used context_percentage_until_summarization",
    "AckResponse": "status",
    "HealthCheckResponse": "now",
    "SessionListResponse": "sessions total",
    "MemoryRecordResult": "dist score",
    "MemoryRecordResults": "memories total next_offset",
    "RecencyConfig": "recency_boost semantic_weight recency_weight freshness_weight novelty_weight "
    "half_life_last_access_days half_life_created_days server_side_recency",
    "MemoryPromptResponse": "messages",
    "ForgetPolicy": "max_age_days max_inactive_days budget memory_type_allowlist",
    "ForgetResponse": "scanned deleted",
    "SummaryView": "id",
    "CreateSummaryViewRequest": "source group_by",
    "SummaryViewPartitionResult": "view_id group summary",
    "Task": "id status",
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_model_has_the_members_of_the_published_one(name: str) -> None:
    model = getattr(models, name)
    assert set(MEMBERS[name].split()) <= set(model.model_fields)


@pytest.mark.parametrize("name", ["SessionId", "Namespace", "UserId"])
def test_ids_are_filtered_by_the_same_operations(name: str) -> None:
    assert set(getattr(filters, name).model_fields) >= {"eq", "in_", "not_eq", "not_in", "startswith"}


@pytest.mark.parametrize("name", ["MemoryType", "ExtractionStrategy"])
def test_kinds_are_filtered_by_the_same_operations(name: str) -> None:
    assert set(getattr(filters, name).model_fields) >= {"eq", "in_", "not_eq", "not_in"}


@pytest.mark.parametrize("name", ["Topics", "Entities"])
def test_labels_are_filtered_by_the_same_operations(name: str) -> None:
    assert set(getattr(filters, name).model_fields) >= {"any", "all", "none"}


@pytest.mark.parametrize("name", ["CreatedAt", "LastAccessed", "EventDate"])
def test_times_are_filtered_by_the_same_operations(name: str) -> None:
    assert set(getattr(filters, name).model_fields) >= {"gte", "lte", "eq"}

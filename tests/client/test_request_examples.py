"""What requests take and what they refuse, by example."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from agent_memory_client.models import (
    AppendMessagesRequest,
    CreateMemoryRecordRequest,
    CreateSummaryViewRequest,
    EditMemoryRecordRequest,
    ForgetRequest,
    MemoryPromptRequest,
    MemoryTypeEnum,
    RunSummaryViewRequest,
    SearchRequest,
    UpdateWorkingMemory,
)
from agent_memory_client.models.limits import MAX_ID_CHARS, MAX_INT, MAX_JSON_DEPTH, MAX_LABELS, MAX_RECORDS


def faults(model: type[BaseModel], members: dict[str, Any]) -> list[tuple[str, str]]:
    """(dotted place, message) of each fault that the model finds."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(members)
    return [(".".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in caught.value.errors()]


def record(**members: Any) -> dict[str, Any]:
    return {"memories": [{"id": "1", "text": "likes tea", **members}]}


def message(**members: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hello", **members}]}


@pytest.mark.parametrize("value", [True, "10", 10.0, 10.5, None, [], 0, 101, -1, MAX_INT + 1, float("nan")])
def test_limit_is_an_integer_from_1_to_100(value: object) -> None:
    assert [place for place, _ in faults(SearchRequest, {"limit": value})] == ["limit"]


@pytest.mark.parametrize("value", [True, "0", -1, 1_000_000_001])
def test_offset_is_an_integer_within_its_bounds(value: object) -> None:
    assert [place for place, _ in faults(SearchRequest, {"offset": value})] == ["offset"]


NUMBERS: dict[str, list[float]] = {
    "hybrid_alpha": [-0.1, 1.1],
    "distance_threshold": [-0.1],
    "recency_semantic_weight": [-0.1, 1001],
    "recency_recency_weight": [-0.1],
    "recency_freshness_weight": [-0.1],
    "recency_novelty_weight": [-0.1],
    "recency_half_life_last_access_days": [0, -1],
    "recency_half_life_created_days": [0, 1e300],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name, outside in NUMBERS.items()
        for value in [*outside, True, "0.5", float("nan"), float("inf"), float("-inf"), 10**400]
    ],
)
def test_numbers_of_a_search_are_finite_and_within_their_bounds(name: str, value: object) -> None:
    assert [place for place, _ in faults(SearchRequest, {name: value})] == [name]


@pytest.mark.parametrize("value", [0, 0.5, 2, 2.5])
def test_a_distance_threshold_may_exceed_every_distance(value: float) -> None:
    assert SearchRequest(distance_threshold=value).distance_threshold == value


@pytest.mark.parametrize("value", ["true", 1, 0, "t"])
def test_a_flag_is_true_or_false_and_nothing_like_it(value: object) -> None:
    assert [place for place, _ in faults(SearchRequest, {"recency_boost": value})] == ["recency_boost"]
    assert [place for place, _ in faults(CreateMemoryRecordRequest, {**record(), "deduplicate": value})]


def test_a_misspelt_member_of_a_search_is_refused_by_name() -> None:
    assert faults(SearchRequest, {"user": "u1"}) == [("user", "Extra inputs are not permitted")]


def test_a_scorer_that_no_engine_has_is_refused() -> None:
    assert SearchRequest(text_scorer="TFIDF.DOCNORM").text_scorer == "TFIDF.DOCNORM"
    assert [place for place, _ in faults(SearchRequest, {"text_scorer": "PAGERANK"})] == ["text_scorer"]


@pytest.mark.parametrize(
    ("model", "members", "place"),
    [
        (CreateMemoryRecordRequest, record(id="a\0b"), "memories.0.id"),
        (CreateMemoryRecordRequest, record(text="a\0b"), "memories.0.text"),
        (CreateMemoryRecordRequest, record(namespace="a\0b"), "memories.0.namespace"),
        (CreateMemoryRecordRequest, record(topics=["a\0b"]), "memories.0.topics.0"),
        (CreateMemoryRecordRequest, record(metadata={"deep": [{"a\0b": 1}]}), "memories.0.metadata"),
        (UpdateWorkingMemory, message(content="a\0b"), "messages.0.content"),
        (UpdateWorkingMemory, {"data": {"k": "a\0b"}}, "data"),
        (SearchRequest, {"user_id": {"any": ["u", "a\0b"]}}, "user_id.any.1"),
    ],
)
def test_text_that_engines_cannot_carry_is_refused_and_the_place_named(
    model: type[BaseModel], members: dict[str, Any], place: str
) -> None:
    [(found, told)] = faults(model, members)
    assert found == place
    assert told.endswith("holds a NUL character")
    surrogate = json.loads(json.dumps(members).replace("\\u0000", "\\ud800"))
    [(found, told)] = faults(model, surrogate)
    assert found == place
    assert told.endswith("holds a lone surrogate")


def test_a_question_is_read_whatever_it_holds() -> None:
    assert SearchRequest.model_validate({"text": "a\0b \ud800c\udfff"}).text == "a b  c "
    assert MemoryPromptRequest.model_validate({"query": "a\0b"}).query == "a b"
    assert SearchRequest.model_validate({"text": "\U0001f600"}).text == "\U0001f600"


def test_an_id_has_1_to_512_characters() -> None:
    longest = "é" * MAX_ID_CHARS
    assert CreateMemoryRecordRequest.model_validate(record(id=longest)).memories[0].id == longest
    assert [place for place, _ in faults(CreateMemoryRecordRequest, record(id=longest + "x"))] == ["memories.0.id"]
    assert [place for place, _ in faults(CreateMemoryRecordRequest, record(id=""))] == ["memories.0.id"]
    assert [place for place, _ in faults(CreateMemoryRecordRequest, {"memories": [{"text": "x"}]})] == ["memories.0.id"]


def test_a_text_may_be_blank_but_not_empty() -> None:
    assert CreateMemoryRecordRequest.model_validate(record(text=" ")).memories[0].text == " "
    assert [place for place, _ in faults(CreateMemoryRecordRequest, record(text=""))] == ["memories.0.text"]


@pytest.mark.parametrize("field", ["topics", "entities", "extracted_from"])
def test_an_item_with_a_comma_is_refused_with_its_place_and_value(field: str) -> None:
    [(place, told)] = faults(CreateMemoryRecordRequest, record(**{field: ["a", "b,c"]}))
    assert place == f"memories.0.{field}"
    assert f"{field}[1] contains a comma: 'b,c'." in told


@pytest.mark.parametrize("item", ["", "  ", "\t", "x" * 513, 7, None, True])
def test_a_topic_is_a_short_text_that_says_something(item: object) -> None:
    assert faults(CreateMemoryRecordRequest, record(topics=["ok", item]))


def test_topics_lose_their_outer_spaces_and_are_at_most_a_thousand() -> None:
    assert CreateMemoryRecordRequest.model_validate(record(topics=[" a b "])).memories[0].topics == ["a b"]
    assert faults(CreateMemoryRecordRequest, record(topics=["t"] * (MAX_LABELS + 1)))


def test_a_create_request_is_bounded() -> None:
    one = record()["memories"][0]
    assert faults(CreateMemoryRecordRequest, {"memories": [one] * (MAX_RECORDS + 1)})


def test_a_search_result_may_be_stored_again_and_a_misspelt_member_may_not() -> None:
    given = record(dist=0.5, score=None, score_type="semantic", explain={"bm25": 1.0}, revision=3)
    assert CreateMemoryRecordRequest.model_validate(given).memories[0].text == "likes tea"
    assert faults(CreateMemoryRecordRequest, record(topic=["tea"])) == [
        ("memories.0.topic", "Extra inputs are not permitted")
    ]


def test_a_preference_is_a_semantic_memory_with_that_topic() -> None:
    made = CreateMemoryRecordRequest.model_validate(record(memory_type="preference", topics=["tea"])).memories[0]
    assert (made.memory_type, made.topics) == (MemoryTypeEnum.SEMANTIC, ["tea", "preference"])
    again = CreateMemoryRecordRequest.model_validate(record(memory_type="preference", topics=["preference"]))
    assert again.memories[0].topics == ["preference"]
    assert faults(CreateMemoryRecordRequest, record(memory_type="preference", topics="tea"))
    assert faults(CreateMemoryRecordRequest, record(memory_type="opinion"))


def test_created_records_are_semantic_and_extracted_unless_they_say_otherwise() -> None:
    made = CreateMemoryRecordRequest.model_validate(record()).memories[0]
    assert (made.memory_type, made.discrete_memory_extracted) == (MemoryTypeEnum.SEMANTIC, "t")
    kept = UpdateWorkingMemory.model_validate({"memories": [{"text": "x"}]}).memories[0]
    assert (kept.memory_type, kept.discrete_memory_extracted, len(kept.id)) == (MemoryTypeEnum.MESSAGE, "f", 26)


@pytest.mark.parametrize(
    "value",
    [
        {"n": float("nan")},
        {"n": [1, {"m": float("inf")}]},
        {"n": 2**64},
        {"n": datetime(2026, 1, 1, tzinfo=UTC)},
        {"n": {1: 2}},
        {1: 2},
        [],
        "x",
        None,
    ],
)
def test_metadata_holds_only_what_json_and_the_engines_can_hold(value: object) -> None:
    assert faults(CreateMemoryRecordRequest, record(metadata=value))


def test_json_may_be_deep_but_not_bottomless() -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for _ in range(depth - 1):
            value = {"in": value}
        return value

    assert UpdateWorkingMemory.model_validate({"data": nested(MAX_JSON_DEPTH)}).data is not None
    [(place, told)] = faults(UpdateWorkingMemory, {"data": nested(MAX_JSON_DEPTH + 1)})
    assert place == "data"
    assert "64 levels" in told
    assert faults(UpdateWorkingMemory, {"data": nested(100_000)})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25+02:00", datetime(2026, 1, 31, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (1_769_860_800, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (1_769_860_800.5, datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc_however_it_is_written(given: object, meant: datetime) -> None:
    read = CreateMemoryRecordRequest.model_validate(record(event_date=given)).memories[0].event_date
    assert read == meant
    assert read is not None
    assert read.utcoffset() == meant.utcoffset()


@pytest.mark.parametrize(
    "given",
    [
        True,
        "2024",
        "20240101",
        "1700000000",
        "yesterday",
        "",
        "2026-02-30",
        "2026-01-01T25:00:00",
        10**20,
        -(10**20),
        1e300,
        float("nan"),
        float("inf"),
        1_700_000_000_000,
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        {},
        [],
    ],
)
def test_what_is_no_time_between_the_years_1_and_9999_is_refused(given: object) -> None:
    assert faults(CreateMemoryRecordRequest, record(event_date=given))


def test_a_session_is_put_back_as_it_was_answered() -> None:
    given = {
        **message(id="m1", created_at="2026-01-31T12:00:00Z", persisted_at=None, discrete_memory_extracted="t"),
        "session_id": "s1",
        "context_percentage_total_used": 1.0,
        "revision": 4,
        "tokens": 12,
        "memories": [{"id": "1", "text": "likes tea", "pinned": False, "later_member": 1}],
    }
    read = UpdateWorkingMemory.model_validate(given)
    assert (read.tokens, read.messages[0].id, read.memories[0].text) == (12, "m1", "likes tea")


def test_two_messages_with_one_id_are_refused() -> None:
    twice = {"messages": [{"role": "user", "content": "a", "id": "m"}, {"role": "user", "content": "b", "id": "m"}]}
    for model in (UpdateWorkingMemory, AppendMessagesRequest):
        [(place, told)] = faults(model, twice)
        assert place == "messages"
        assert "messages[1] has the id of messages[0]: 'm'" in told


def test_a_message_tells_whether_its_time_was_given() -> None:
    assert "created_at" in UpdateWorkingMemory.model_validate(message(created_at=5)).messages[0].model_fields_set
    assert "created_at" not in UpdateWorkingMemory.model_validate(message()).messages[0].model_fields_set
    assert faults(UpdateWorkingMemory, message(created_at=None))


@pytest.mark.parametrize("role", ["", "x" * 65, None, 3])
def test_a_role_is_a_short_word(role: object) -> None:
    assert faults(UpdateWorkingMemory, message(role=role))
    assert UpdateWorkingMemory.model_validate(message(role="function")).messages[0].role == "function"


@pytest.mark.parametrize("ttl", [0, -1, True, "60", 1.5, 10**12])
def test_a_time_to_live_is_at_least_a_second(ttl: object) -> None:
    assert faults(UpdateWorkingMemory, {"ttl_seconds": ttl})


def test_an_append_needs_a_message_and_knows_its_members() -> None:
    assert faults(AppendMessagesRequest, {"messages": []})
    assert faults(AppendMessagesRequest, {**message(), "ttl": 5})


def test_a_strategy_is_one_of_four() -> None:
    assert faults(UpdateWorkingMemory, {"long_term_memory_strategy": {"strategy": "guess"}})
    assert faults(UpdateWorkingMemory, {"long_term_memory_strategy": {"config": {"n": float("nan")}}})


def test_an_edit_knows_what_it_changes() -> None:
    whole = {"id": "1", "text": "now coffee", "created_at": "2026-01-31T12:00:00Z", "dist": 0.1, "user_id": None}
    assert EditMemoryRecordRequest.model_validate(whole).changes() == {"text": "now coffee"}
    assert EditMemoryRecordRequest.model_validate({"topics": []}).changes() == {"topics": []}
    assert EditMemoryRecordRequest.model_validate({"text": None}).changes() == {}
    assert faults(EditMemoryRecordRequest, {"txt": "now coffee"}) == [("txt", "Extra inputs are not permitted")]


def test_a_misspelt_rule_of_forgetting_is_refused() -> None:
    assert faults(ForgetRequest, {"policy": {"max_age_day": 30}})
    assert faults(ForgetRequest, {"policy": {}, "pinned": ["1"]})
    assert faults(ForgetRequest, {"policy": {"memory_type_allowlist": ["semantics"]}})


@pytest.mark.parametrize("name", ["max_age_days", "max_inactive_days", "budget", "hard_age_multiplier"])
@pytest.mark.parametrize("value", [-1, True, "30", float("nan"), float("inf")])
def test_the_rules_of_forgetting_are_not_negative(name: str, value: object) -> None:
    assert [place for place, _ in faults(ForgetRequest, {"policy": {name: value}})] == [f"policy.{name}"]


def test_a_prompt_searches_by_flag_or_by_request() -> None:
    assert MemoryPromptRequest.model_validate({"query": "", "long_term_search": True}).long_term_search is True
    search = MemoryPromptRequest.model_validate({"query": "q", "long_term_search": {"limit": 3}}).long_term_search
    assert isinstance(search, SearchRequest)
    assert search.limit == 3
    assert [place for place, _ in faults(MemoryPromptRequest, {"query": "q", "long_term_search": {"limit": 0}})] == [
        "long_term_search.search.limit"
    ]
    assert faults(MemoryPromptRequest, {"query": "q", "long_term_search": 1})
    assert faults(MemoryPromptRequest, {"query": "q", "session": {"session_id": "s", "user": "u"}})


def test_any_model_name_is_accepted() -> None:
    session = MemoryPromptRequest.model_validate({"query": "", "session": {"session_id": "s", "model_name": "gpt-5"}})
    assert session.session is not None
    assert session.session.model_name == "gpt-5"


def test_a_view_has_a_known_source_and_a_window_of_days() -> None:
    assert CreateSummaryViewRequest.model_validate({"source": "long_term"}).group_by == []
    assert faults(CreateSummaryViewRequest, {"source": "short_term"})
    assert faults(CreateSummaryViewRequest, {"source": "long_term", "time_window_days": 0})
    assert RunSummaryViewRequest.model_validate({"force": True}).task_id is None

"""Hand-shaped answers are what the wire models say, whatever the values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agent_memory_client.models import (
    AppendMessagesResponse,
    ForgetResponse,
    MemoryListResponse,
    MemoryPromptResponse,
    MemoryRecordResultsResponse,
    SearchRequest,
    SessionListResponse,
    WorkingMemoryResponse,
)
from agent_memory_server.domain.filters import Filter, matches
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.query import Evidence, Hit, Mode, Page
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.interfaces.convert import forget, records, search, sessions
from agent_memory_server.interfaces.convert.filters import filter_of
from agent_memory_server.interfaces.convert.times import iso, unix
from agent_memory_server.interfaces.rest.answers import answer
from agent_memory_server.operations.context import Prompt, PromptMessage
from agent_memory_server.operations.converse import SessionView
from agent_memory_server.operations.forget import Forgotten
from agent_memory_server.operations.search import Found
from agent_memory_server.operations.window import Usage
from agent_memory_server.ports.session_store import Appended, SessionPage

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
micros = st.integers(0, 7_258_118_400_000_000)
"""Microseconds from 1970 to 2200."""
times = micros.map(lambda micro: unix(EPOCH + timedelta(microseconds=micro)))
numbers = st.floats(0, 2)
plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(text, plain_json, max_size=3)
words = st.lists(text, max_size=3).map(tuple)

memories = st.builds(
    Memory,
    id=text,
    text=text,
    created_at=times,
    updated_at=times,
    last_accessed=times,
    namespace=text,
    user_id=text,
    session_id=text,
    memory_type=st.sampled_from(MemoryType),
    topics=words,
    entities=words,
    persisted_at=st.none() | times,
    event_date=st.none() | times,
    pinned=st.booleans(),
    access_count=st.integers(0, 2**31),
    memory_hash=text,
    discrete_memory_extracted=st.booleans(),
    extraction_strategy=text,
    extraction_strategy_config=objects,
    extracted_from=words,
    metadata=objects,
    revision=st.integers(1, 2**31),
)
evidence = st.builds(
    Evidence,
    dense_rank=st.none() | st.integers(1, 100),
    distance=st.none() | numbers,
    keyword_rank=st.none() | st.integers(1, 100),
    bm25=st.none() | numbers,
    matched_words=words,
)
hits = st.builds(
    Hit,
    memory=memories,
    dist=numbers,
    score=st.none() | numbers,
    mode=st.none() | st.sampled_from(Mode),
    evidence=st.none() | evidence,
)
messages = st.builds(
    Message,
    id=text,
    role=text,
    content=text,
    created_at=times,
    persisted_at=st.none() | times,
    discrete_memory_extracted=st.booleans(),
)
keys = st.builds(SessionKey, text, text, text)
stored_sessions = st.builds(
    Session,
    key=keys,
    created_at=times,
    updated_at=times,
    last_accessed=times,
    messages=st.lists(messages, max_size=3).map(tuple),
    memories=st.lists(memories, max_size=2).map(tuple),
    data=st.none() | objects,
    context=st.none() | text,
    tokens=st.integers(0, 2**31),
    strategy=st.builds(
        Strategy, name=st.sampled_from(["discrete", "summary", "preferences", "custom"]), config=objects
    ),
    ttl_seconds=st.none() | st.integers(1, 10**6),
    revision=st.integers(0, 2**31),
    message_count=st.integers(0, 2**31),
)


def same_as(model: type[BaseModel], members: dict[str, Any]) -> None:
    """The bytes that go out are valid, hold nothing the model lacks, and say what the model would say."""
    sent = json.loads(bytes(answer(members).body))
    assert json.loads(model.model_validate(sent, extra="forbid").model_dump_json()) == sent


@given(st.lists(hits, max_size=2), st.integers(0, 10), st.none() | st.integers(0, 10), words)
@settings(max_examples=100, deadline=None)
def test_results_are_what_the_model_says(
    found: list[Hit], total: int, next_offset: int | None, degraded: tuple[str, ...]
) -> None:
    members = search.results(Found(hits=tuple(found), total=total, next_offset=next_offset, degraded=degraded))
    assert ("degraded" in members) is bool(degraded)
    same_as(MemoryRecordResultsResponse, members)


@given(st.lists(memories, max_size=2), st.none() | text)
@settings(max_examples=100, deadline=None)
def test_a_listing_is_what_the_model_says(found: list[Memory], cursor: str | None) -> None:
    same_as(MemoryListResponse, records.page(Page(memories=tuple(found), total=len(found), cursor=cursor)))


@given(stored_sessions, st.none() | st.builds(Usage, st.floats(0, 100), st.floats(0, 100)))
@settings(max_examples=100, deadline=None)
def test_a_session_is_what_the_model_says(session: Session, usage: Usage | None) -> None:
    members = sessions.session_answer(SessionView(session=session, usage=usage), data=session.data)
    sent = json.loads(bytes(answer(members).body))
    again = json.loads(WorkingMemoryResponse.model_validate(sent, extra="forbid").model_dump_json())
    assert again == sent


@given(stored_sessions, st.lists(messages, max_size=3))
@settings(max_examples=50, deadline=None)
def test_an_append_is_what_the_model_says(session: Session, added: list[Message]) -> None:
    same_as(AppendMessagesResponse, sessions.appended_answer(Appended(session=session, messages=tuple(added))))


@given(
    st.lists(st.builds(PromptMessage, st.sampled_from(["user", "system", "assistant"]), text), max_size=3),
    st.none() | st.lists(hits, max_size=2).map(tuple),
    words,
)
@settings(max_examples=50, deadline=None)
def test_a_prompt_is_what_the_model_says(
    shown: list[PromptMessage], found: tuple[Hit, ...] | None, degraded: tuple[str, ...]
) -> None:
    same_as(MemoryPromptResponse, search.prompt(Prompt(messages=tuple(shown), memories=found, degraded=degraded)))


@given(st.lists(keys, max_size=3), words)
@settings(max_examples=25, deadline=None)
def test_lists_of_ids_are_what_the_models_say(found: list[SessionKey], ids: tuple[str, ...]) -> None:
    same_as(SessionListResponse, sessions.session_list(SessionPage(keys=tuple(found), total=len(found))))
    same_as(ForgetResponse, forget.forgotten(Forgotten(scanned=9, ids=ids, dry_run=True)))


@given(micros, st.integers(-14 * 60, 14 * 60))
@settings(deadline=None)
def test_a_time_goes_in_and_out_to_the_microsecond(micro: int, offset_minutes: int) -> None:
    aware = (EPOCH + timedelta(microseconds=micro)).astimezone(timezone(timedelta(minutes=offset_minutes)))
    assert datetime.fromisoformat(iso(unix(aware))) == aware


def test_times_are_shown_in_utc_with_fractions_only_where_there_are_any() -> None:
    assert iso(0.0) == "1970-01-01T00:00:00Z"
    assert iso(1769860800.25) == "2026-01-31T12:00:00.250000Z"
    assert iso(unix(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))) == "9999-12-31T23:59:59Z"
    assert iso(unix(datetime(1, 1, 1, tzinfo=UTC))) == "0001-01-01T00:00:00Z"


values = st.sampled_from(["", "a", "A", "ab", "b"])
lists = st.lists(values, min_size=1, max_size=3)


def says(asked: dict[str, Any], have: set[str]) -> bool:
    """What a filter on text means, told once more in the words of the format."""
    meaning = {
        "eq": lambda v: v in have,
        "ne": lambda v: v not in have,
        "not_eq": lambda v: v not in have,
        "any": lambda v: bool(have & set(v)),
        "in_": lambda v: bool(have & set(v)),
        "all": lambda v: set(v) <= have,
        "none": lambda v: not have & set(v),
        "not_in": lambda v: not have & set(v),
        "startswith": lambda v: any(one.startswith(v) for one in have),
    }
    return all(meaning[name](value) for name, value in asked.items())


@given(
    asked=st.fixed_dictionaries(
        {},
        optional={
            "eq": values,
            "not_eq": values,
            "any": lists,
            "in_": lists,
            "none": lists,
            "not_in": lists,
        },
    )
    | st.fixed_dictionaries({"all": lists}, optional={"ne": values, "not_in": lists})
    | st.fixed_dictionaries({"startswith": st.sampled_from(["a", "A", "ab"])}, optional={"not_in": lists}),
    have=st.lists(values.filter(bool), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_a_filter_on_tags_means_all_of_its_members(asked: dict[str, Any], have: list[str]) -> None:
    memory = Memory(id="m", text="t", created_at=0, updated_at=0, last_accessed=0, topics=tuple(have))
    if not asked:
        return
    condition: Filter = filter_of(SearchRequest.model_validate({"topics": asked}))
    assert matches(condition, memory) is says(asked, set(have) or {""})


moments = st.integers(0, 5)


@given(
    asked=st.fixed_dictionaries({}, optional=dict.fromkeys(("gt", "gte", "lt", "lte", "eq", "ne"), moments)).filter(
        bool
    ),
    at=moments,
)
@settings(max_examples=300, deadline=None)
def test_a_filter_on_a_time_means_all_of_its_members(asked: dict[str, int], at: int) -> None:
    memory = Memory(id="m", text="t", created_at=float(at), updated_at=0, last_accessed=0)
    meaning = {
        "gt": lambda v: at > v,
        "gte": lambda v: at >= v,
        "lt": lambda v: at < v,
        "lte": lambda v: at <= v,
        "eq": lambda v: at == v,
        "ne": lambda v: at != v,
    }
    condition = filter_of(SearchRequest.model_validate({"created_at": asked}))
    assert matches(condition, memory) is all(meaning[name](value) for name, value in asked.items())

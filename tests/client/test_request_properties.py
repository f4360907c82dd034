"""Whatever arrives, a request is either read or refused with named faults; and what is read can be kept and sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agent_memory_client.models import (
    AppendMessagesRequest,
    CreateMemoryRecordRequest,
    CreateSummaryViewRequest,
    EditMemoryRecordRequest,
    ForgetRequest,
    MemoryPromptRequest,
    RunSummaryViewPartitionRequest,
    RunSummaryViewRequest,
    SearchRequest,
    UpdateWorkingMemory,
)

MODELS: list[type[BaseModel]] = [
    AppendMessagesRequest,
    CreateMemoryRecordRequest,
    CreateSummaryViewRequest,
    EditMemoryRecordRequest,
    ForgetRequest,
    MemoryPromptRequest,
    RunSummaryViewPartitionRequest,
    RunSummaryViewRequest,
    SearchRequest,
    UpdateWorkingMemory,
]

# Characters of every kind, lone surrogates and NUL among them: JSON can carry both.
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31", "2024", "semantic", "a,b", "t", "user", "", "0001-01-01"])
)
NAMES = st.sampled_from(
    sorted(
        {name for model in MODELS for name in model.model_fields}
        | {
            "id",
            "role",
            "content",
            "created_at",
            "eq",
            "in",
            "any",
            "none",
            "between",
            "gte",
            "field",
            "strategy",
            "dist",
        }
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


CLEAN_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
CLEAN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CLEAN_TEXT, inner, max_size=3),
    max_leaves=6,
)
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "string": CLEAN_TEXT,
    "date-time": st.datetimes().map(datetime.isoformat) | st.integers(0, 2**37) | st.dates().map(str),
    "integer": st.integers(1, 100),
    "number": st.floats(0.01, 1),
    "boolean": st.booleans(),
    "object": st.dictionaries(CLEAN_TEXT, CLEAN_JSON, max_size=3),
    "null": st.none(),
}


class Plausible:
    """Values of roughly the shape that a model's JSON schema asks for.

    wild: any part of them may be replaced by anything at all.
    """

    def __init__(self, model: type[BaseModel], *, wild: bool) -> None:
        self._schema = model.model_json_schema()
        self._wild = wild

    def values(self) -> st.SearchStrategy[Any]:
        return self._of(self._schema)

    def _of(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self._of(self._schema["$defs"][schema["$ref"].rsplit("/", 1)[1]])
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return st.one_of([self._of(choice) for choice in choices])
        if "enum" in schema:
            good = st.sampled_from(schema["enum"])
        elif "properties" in schema:
            good = self._object(schema)
        elif "items" in schema:
            good = st.lists(self._of(schema["items"]), min_size=1, max_size=3)
        elif isinstance(extra := schema.get("additionalProperties"), dict):
            good = st.dictionaries(CLEAN_TEXT, self._of(extra), max_size=3)
        else:
            good = SIMPLE.get(schema.get("format", schema.get("type", "")), CLEAN_JSON)
        return good | VALUES if self._wild else good

    def _object(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        members = {name: self._of(inner) for name, inner in schema["properties"].items()}
        required = {name: members.pop(name) for name in schema.get("required", [])}
        # A few optional members at a time: with all of them, some rule is nearly always broken.
        chosen = st.sets(st.sampled_from(sorted(members)), max_size=3) if members else st.just(set())
        return chosen.flatmap(
            lambda names: st.fixed_dictionaries({**required, **{name: members[name] for name in names}})
        )


def request_for(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    return Plausible(model, wild=False).values() | Plausible(model, wild=True).values() | VALUES


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def times_of(value: object) -> list[datetime]:
    if isinstance(value, datetime):
        return [value]
    if isinstance(value, dict):
        return [time for inner in value.values() for time in times_of(inner)]
    return [time for inner in value for time in times_of(inner)] if isinstance(value, list) else []


def check(model: type[BaseModel], value: object) -> None:
    try:
        read = model.model_validate(value)
    except ValidationError as exc:
        assert exc.errors(include_url=False)  # noqa: PT017 - either outcome is right; this one must tell its faults
        return
    sent = read.model_dump_json()
    assert "\\u0000" not in sent
    again = model.model_validate(json.loads(sent, parse_constant=refuse_constant))
    assert again.model_dump() == read.model_dump()
    assert all(time.utcoffset() == timedelta(0) for time in times_of(read.model_dump()))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_anything_is_read_whole_or_refused(model: type[BaseModel]) -> None:
    @settings(deadline=None, max_examples=150)
    @given(request_for(model) | VALUES)
    def holds(value: object) -> None:
        check(model, value)

    holds()


@settings(deadline=None)
@given(st.floats() | st.integers() | ANY_TEXT | st.datetimes(timezones=st.timezones() | st.none()))
def test_any_time_ends_between_the_years_1_and_9999_or_is_refused(given_time: object) -> None:
    value = given_time.isoformat() if isinstance(given_time, datetime) else given_time
    try:
        read = EditMemoryRecordRequest.model_validate({"event_date": value}).event_date
    except ValidationError:
        return
    assert read is not None
    # What engines keep is a float of seconds, and it must come back as a time.
    assert datetime.fromtimestamp(read.timestamp(), UTC) is not None


@settings(deadline=None)
@given(st.integers(-2_000_000_000_000_000, 7_000_000_000_000_000))
def test_unix_seconds_and_iso_text_mean_the_same_time(microseconds: int) -> None:
    aware = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    as_text = EditMemoryRecordRequest.model_validate({"event_date": aware.isoformat()}).event_date
    as_number = EditMemoryRecordRequest.model_validate({"event_date": aware.timestamp()}).event_date
    assert as_text == aware
    assert as_number is not None
    assert abs(as_number - aware) <= timedelta(microseconds=1)

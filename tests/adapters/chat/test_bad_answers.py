"""Answers as small local models give them: read where they can be read in one way, asked for again otherwise."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory_server.adapters.providers.chat.lenient import decoded
from agent_memory_server.adapters.providers.chat.parsing import NotThis, parsed, spoken
from agent_memory_server.operations.extract_by_model import MAY_LACK, SCHEMA

ITEM = {
    "type": "semantic",
    "text": "User's dog is Rex.",
    "topics": ["pets"],
    "entities": ["Rex"],
    "event_date": "",
    "source": 1,
    "quote": "my dog's name is Rex",
}
OTHER = ITEM | {"text": "User lives in Oslo.", "source": 2, "quote": "I live in Oslo", "topics": [], "entities": []}
GOOD = json.dumps({"memories": [ITEM]})
BOTH = {"memories": [ITEM, OTHER]}


def without(*names: str, **changes: Any) -> str:
    return json.dumps({"memories": [{k: v for k, v in (ITEM | changes).items() if k not in names}]})


READ = {
    "in a fence": f"Here you are:\n```json\n{GOOD}\n```\nAnything else?",
    "in a fence that is not closed": f"```\n{GOOD}",
    "behind thoughts": f'<think>Perhaps {{"memories": []}}?</think>{GOOD}',
    "behind thoughts without a beginning": f"Perhaps {json.dumps({'memories': [OTHER]})}?\n</think>\n{GOOD}",
    "in a channel": f'<|channel|>analysis<|message|>{{"memories": [1]}}<|end|><|channel|>final<|message|>{GOOD}<|end|>',
    "commas too many": GOOD.replace("]}]}", "],},],}").replace('"source": 1', '"source": 1,'),
    "in Python": str({"memories": [ITEM]}),
    "in single quotes": "{'memories': [{'type':'semantic','text':'User's dog is Rex.','topics':['pets'],"
    "'entities':['Rex'],'event_date':'','source':1,'quote':'my dog's name is Rex'}]}",
    "bare keys and comments": '{memories: [ // the only one\n{type: "semantic", text: "User\'s dog is Rex.", '
    'topics: ["pets"], entities: ["Rex"], event_date: null, source: 1, quote: "my dog\'s name is Rex"}]}',
    "keys in another case": GOOD.replace('"event_date"', '"eventDate"')
    .replace('"text"', '"Text"')
    .replace("mem", "Mem"),
    "numbers and lists as texts": without(source="1", topics="pets", entities="Rex"),
    "objects for names": without(entities=[{"name": "Rex", "type": "dog"}]),
    "members left out": without("event_date", "type"),
    "null": without(event_date=None, type=None),
    "another word for the type": without(type="Fact"),
    "one item": json.dumps(ITEM),
    "one item for the list": json.dumps({"memories": ITEM}),
    "a bare list": json.dumps([ITEM]),
    "under another name": json.dumps({"facts": [ITEM]}),
    "in an object around it": json.dumps({"result": {"memories": [ITEM]}}),
    "an empty example before it": f'The form is {{"memories": []}}. My answer: {GOOD}',
    "told twice": f"{GOOD}\n{GOOD}",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_what_can_be_read_in_one_way_is_read(text: str) -> None:
    found = parsed(text, SCHEMA, MAY_LACK)
    assert (found.value, found.misfits) == ({"memories": [ITEM]}, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(ITEM)}\n{json.dumps(OTHER)}",
        f"{json.dumps({'memories': [ITEM]})} {json.dumps({'memories': [OTHER]})}",
        f"```json\n{json.dumps([ITEM])}\n```\nand\n```json\n{json.dumps([OTHER])}\n```",
        json.dumps([ITEM, OTHER]).replace("}, {", "} {"),
    ],
)
def test_of_several_objects_no_item_is_lost(text: str) -> None:
    assert parsed(text, SCHEMA, MAY_LACK).value == BOTH


@pytest.mark.parametrize(
    "text",
    [
        "User has a dog.",
        "<think>A dog?</think>\n\nUser has a dog.",
        "A dog?\n</think>\nUser has a dog.",
        "```\nUser has a dog.\n```",
        "<think>A dog?</think>```text\nUser has a dog.\n```\n",
        "<|channel|>analysis<|message|>A dog?<|end|><|channel|>final<|message|>User has a dog.<|return|>",
    ],
)
def test_a_plain_text_is_what_was_said_in_the_end(text: str) -> None:
    assert spoken(text) == "User has a dog."


def test_code_within_a_text_stays() -> None:
    text = "Run this:\n```sh\nmake run\n```\nthen that:\n```sh\nmake test\n```"
    assert spoken(text) == text


def test_of_several_summaries_the_last_one_counts() -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    assert parsed('Draft: {"text": "a"}. Final: {"text": "b"}', schema).value == {"text": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<think>I wonder",
        "I cannot help with that.",
        GOOD[:-40],
        f"{GOOD}\n{GOOD[:60]}",
        without("quote"),
        without("source"),
        without("text"),
        without(source="the first one"),
        without(text=None),
        json.dumps({"memories": [ITEM, "User's dog is Rex."]}),
        json.dumps({"memories": {"1": ITEM, "2": OTHER}}),
        '{"memories": [{"text": "He said "yes", then", "no"}]}',
    ],
)
def test_what_is_missing_is_not_made_up(text: str) -> None:
    with pytest.raises(NotThis):
        parsed(text, SCHEMA, MAY_LACK)


def test_in_the_end_one_item_without_its_form_does_not_cost_the_others() -> None:
    text = json.dumps({"memories": [ITEM, {"text": "User"}, OTHER]})
    found = parsed(text, SCHEMA, MAY_LACK, misfits_too=True)
    assert (found.value, found.misfits) == (BOTH, 1)
    with pytest.raises(NotThis):
        parsed(json.dumps({"memories": [{"text": "User"}]}), SCHEMA, MAY_LACK, misfits_too=True)


TEXT = st.text(st.characters(exclude_characters="\"'\\\\“”", exclude_categories=["Cs", "Cc"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_python_and_json_are_read_as_what_they_are(value: Any) -> None:
    for text in (json.dumps([value], ensure_ascii=False), repr([value])):
        assert decoded(text, 0) == ([value], len(text))


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("{}[]\"',: memories1", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotThis):
        parsed(text, SCHEMA, MAY_LACK)

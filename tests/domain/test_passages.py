"""Where the words of a query stand in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.passages import passage
from agent_memory_server.domain.words import placed_words, query_terms, words


def found(text: str, query: str) -> str | None:
    place = passage(text, query_terms(query))
    return None if place is None else text[place[0] : place[1]]


def test_the_passage_is_where_most_different_words_stand_together() -> None:
    text = "Tea, tea and tea again. Later: green cups of tea. " + "x " * 40 + "Green."
    assert found(text, "green tea cup") == "green cups of tea"
    assert found(text, "cups") == "cups"
    assert found(text, "green") == "green"
    assert found(text, "milk") is None


def test_words_far_apart_are_no_passage() -> None:
    text = "green " + "x " * 40 + "tea"
    assert found(text, "green tea") == "tea"  # of equally many words the shortest place


@pytest.mark.parametrize(
    ("text", "query", "wanted"),
    [
        ("Das Café war schön.", "cafe", "Café"),
        ("Cafe\u0301 olé", "café", "Cafe\u0301"),
        ("我昨天在北京喝茶", "北京", "北京"),
        ("東京タワーへ行った", "タワー", "タワー"),
        ("서울에서 커피를 마셨다", "커피", "커피"),
        ("I don't like Ada’s tea", "Ada's", "Ada’s"),
        ("\uff34\uff25\uff21 time", "tea", "\uff34\uff25\uff21"),
    ],
)
def test_places_are_those_of_the_text_as_it_is_written(text: str, query: str, wanted: str) -> None:
    assert found(text, query) == wanted


@given(text=st.text(max_size=60))
def test_placed_words_are_words_of_their_places_in_order(text: str) -> None:
    placed = placed_words(text)
    starts = [start for _, start, _ in placed]
    assert starts == sorted(starts)
    for word, start, end in placed:
        assert 0 <= start < end <= len(text)
        assert word in words(text[start:end])


@given(text=st.text(alphabet="abc déé你好日本 '’", max_size=60))
def test_a_text_has_the_same_words_with_and_without_their_places(text: str) -> None:
    assert sorted(word for word, _, _ in placed_words(text)) == sorted(words(text))

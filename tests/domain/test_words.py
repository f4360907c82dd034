"""What counts as a word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.query import Term
from agent_memory_server.domain.words import STOP_WORDS, fold, query_terms, word_codes, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The user was running to the gardens", ["user", "run", "garden"]),
        ("Café CAFÉ ｃａｆé", ["cafe", "cafe", "cafe"]),
        ("don't", []),
        ("Caroline's pottery", ["carolin", "potteri"]),
        ("v2.1.0 snake_case", ["v2", "1", "0", "snake", "case"]),
        ("我喜欢", ["我", "喜", "欢", "我喜", "喜欢"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー", "東京", "京タ", "タワ", "ワー"]),
        ("커피", ["커", "피", "커피"]),
        ("I love 咖啡!", ["love", "咖", "啡", "咖啡"]),
        ("?!… \x00 ", []),
        ("", []),
    ],
)
def test_a_text_becomes_its_stemmed_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_kana_keep_the_marks_that_make_them_other_letters() -> None:
    assert fold("ガ") != fold("カ")


def test_a_long_run_is_cut() -> None:
    assert len(words("x" * 5000)[0]) <= 64


@given(st.text())
def test_any_text_has_words_that_hold_only_letters_and_digits(text: str) -> None:
    for word in words(text):
        assert word
        assert not any(c.isspace() or c in "\"'()*:^|\x00" for c in word)


@given(st.text())
def test_folding_twice_changes_nothing_more_for_words(text: str) -> None:
    assert words(fold(text)) == words(text)


def test_a_query_drops_stop_words_and_repeats() -> None:
    assert query_terms("What did the runner run?") == (Term(("runner",)), Term(("run",)))


def test_a_query_of_stop_words_only_keeps_them() -> None:
    assert "who" in STOP_WORDS
    assert query_terms("who are you") == (Term(("who",)), Term(("are",)), Term(("you",)))


def test_a_query_of_punctuation_asks_for_nothing() -> None:
    assert query_terms('"?!" | ()') == ()


@pytest.mark.parametrize("text", ['"green tea" morning', "\u201cgreen tea\u201d morning"])
def test_quoted_words_are_a_phrase(text: str) -> None:
    assert query_terms(text, phrases_required=True) == (Term(("green", "tea"), required=True), Term(("morn",)))
    assert query_terms(text) == (Term(("green", "tea")), Term(("morn",)))


def test_a_phrase_followed_by_punctuation_is_just_the_phrase() -> None:
    assert query_terms('Did she read "Charlotte\'s Web"?') == (Term(("charlott", "web")), Term(("read",)))


@pytest.mark.parametrize(
    ("quoted", "phrases"),
    [
        ("東京タワー", [("東京", "京タ", "タワ", "ワー")]),
        ("茶", [("茶",)]),
        ("green tea 緑茶 shop", [("green", "tea"), ("緑茶",), ("shop",)]),
        ("北京、上海", [("北京",), ("上海",)]),
    ],
)
def test_a_phrase_in_a_script_without_spaces_is_its_pairs(quoted: str, phrases: list[tuple[str, ...]]) -> None:
    assert query_terms(f'"{quoted}"') == tuple(Term(phrase) for phrase in phrases)


def test_an_open_quote_is_punctuation() -> None:
    assert query_terms('the "green tea') == (Term(("green",)), Term(("tea",)))


def test_codes_are_equal_for_equal_words_and_stable() -> None:
    codes = word_codes(["tea", "green", "tea"])
    assert codes.dtype == np.uint32
    assert codes.tolist() == [2391201714, 3499814433, 2391201714]

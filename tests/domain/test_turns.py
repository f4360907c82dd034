"""What the turns of a conversation lend to their neighbours."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.query import Term
from agent_memory_server.domain.turns import (
    Around,
    around,
    named,
    pooled_similarities,
    relative_lengths,
    speaker_factors,
    speaker_of,
    weighted_counts,
)
from agent_memory_server.domain.word_rows import NEAREST_WORDS, WordRows, flat
from agent_memory_server.domain.words import word_codes


def rows_of(*texts: str) -> WordRows:
    return flat([word_codes(text.split()).tobytes() for text in texts])


turns = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 1)), max_size=20)


@given(turns=turns)
def test_neighbours_are_those_of_the_same_session_by_time_then_by_storing(turns: list[tuple[int, int, int]]) -> None:
    sessions, times, stored = (np.array([turn[i] for turn in turns], np.int64) for i in range(3))
    found = around(len(turns), np.arange(len(turns)), sessions, times.astype(float), stored.astype(float))
    by_session: dict[int, list[int]] = defaultdict(list)
    for row in sorted(range(len(turns)), key=lambda row: (turns[row][1], turns[row][2], row)):
        by_session[turns[row][0]].append(row)
    for row, (session, _, _) in enumerate(turns):
        line = by_session[session]
        at = line.index(row)
        wanted = [line[i] if 0 <= i < len(line) else -1 for i in (at - 1, at + 1, at - 2, at + 2)]
        assert found.rows[row].tolist() == wanted


def test_a_turn_counts_its_neighbours_words_by_weight() -> None:
    rows = rows_of("tea tea", "milk", "tea", "cup", "tea")
    near = around(5, np.arange(5), np.zeros(5, np.int64), np.arange(5.0), np.zeros(5)).rows
    found = [rows.occurrences(Term(("tea",)))]
    counts = weighted_counts(found, 5, np.arange(5), near)[:, 0]
    assert counts == pytest.approx([2 + 1 / 6, 2 / 3 + 1 / 3, 1 + 2 / 6 + 1 / 6, 1 / 3 + 1 / 3, 1 + 1 / 6])


def test_only_the_nearest_words_of_a_long_turn_count_for_its_neighbours() -> None:
    far = " ".join(["x"] * NEAREST_WORDS)
    rows = rows_of("a", f"tea {far} cup", "b")
    near = around(3, np.arange(3), np.zeros(3, np.int64), np.arange(3.0), np.zeros(3)).rows
    found = [rows.occurrences(Term((word,))) for word in ("tea", "cup")]
    counts = weighted_counts(found, 3, np.arange(3), near)
    assert counts[0] == pytest.approx([1 / 3, 0])  # before it: its first words
    assert counts[2] == pytest.approx([0, 1 / 3])  # behind it: its last words
    lengths = relative_lengths(rows.lengths, np.arange(3), near, 1.0)
    assert lengths[0] == pytest.approx((1 + NEAREST_WORDS / 3 + 1 / 6) / (1 + 1 / 3 + 1 / 6))


def test_a_record_that_is_no_message_has_its_own_words_and_vector_alone() -> None:
    rows = rows_of("tea cup", "tea")
    nobody = np.full((2, 4), -1)
    found = [rows.occurrences(Term(("tea",)))]
    assert weighted_counts(found, 2, np.arange(2), nobody)[:, 0].tolist() == [1, 1]
    assert relative_lengths(rows.lengths, np.arange(2), nobody, 2.0).tolist() == [1.0, 0.5]
    own, alone = np.array([[0.6, 0.8]], np.float32), Around(np.full((1, 4), -1))
    assert pooled_similarities(own, np.zeros(1, np.int64), alone, np.array([1, 0], np.float32)) == pytest.approx([0.6])


def test_neighbours_vectors_pull_a_turn_towards_them() -> None:
    vectors = np.array([[0, 1], [1, 0], [0, 1]] * 100, np.float32)
    rows = np.arange(1, 300, 3)
    every = np.arange(300)
    beside = Around(np.column_stack([every - 1, np.append(every[1:], -1), every, every]))
    for _ in range(2):  # what was computed once is known
        similarities = pooled_similarities(vectors, rows, beside, np.array([0, 1], np.float32))
        assert similarities == pytest.approx(0.6 / np.hypot(1, 0.6))


@given(
    seed=st.integers(0, 99),
    turns=turns.filter(lambda found: len(found) > 0),
    asked=st.lists(st.integers(0, 19), min_size=1, max_size=30),
)
def test_pooled_similarity_is_the_cosine_with_the_pooled_vector(
    seed: int, turns: list[tuple[int, int, int]], asked: list[int]
) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(len(turns), 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vectors[0] * np.float32(-0.6) + np.float32(0.8) * random.normal(size=6).astype(np.float32)
    query /= np.linalg.norm(query)
    sessions, times, stored = (np.array([turn[i] for turn in turns], np.int64) for i in range(3))
    near = around(len(turns), np.arange(len(turns)), sessions, times.astype(float), stored.astype(float))
    rows = np.array([one % len(turns) for one in asked])
    padded = np.vstack([vectors, np.zeros((1, 6), np.float32)])
    pooled = padded[rows] + 0.3 * (padded[near.rows[rows, 0]] + padded[near.rows[rows, 1]])
    wanted = pooled @ query / np.linalg.norm(pooled, axis=1)
    assert pooled_similarities(vectors, rows, near, query) == pytest.approx(wanted, abs=1e-5)


def test_the_speaker_of_a_message_is_what_stands_before_its_colon() -> None:
    assert [speaker_of(t) for t in ("Ada: hi: you", "user: x", "no speaker", "Zo\u00eb Li: x")] == [
        "ada", "user", "", "zoe li",
    ]  # fmt: skip


def test_a_question_names_a_speaker_by_a_part_of_the_name_but_never_a_role() -> None:
    speakers = {"ada king", "will", "user", "assistant"}
    assert named("What does Ada's sister do?", speakers) == "ada king"
    assert named("Will\u2019s car?", speakers) == "will"
    assert named("Did Ada see Will?", speakers) is None
    assert named("What did the user tell the assistant?", speakers) is None
    assert named("canada?", speakers) is None


def test_an_assistant_counts_less_and_a_named_speaker_more() -> None:
    names = ["", "ada", "assistant", "user", "ben", "absent ada"]
    factors = speaker_factors("what did Ada say", np.array([1, 2, 3, 0, 4]), names)
    assert factors == pytest.approx([1.25, 1 / 1.3, 1, 1, 1])

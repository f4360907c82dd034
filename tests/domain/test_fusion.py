"""How candidates of both arms become one order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.fusion import Candidates, by_words, fuse
from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.ranking import Placed
from agent_memory_server.domain.told import Telling, Told, ToldRows

GONE = math.nan


def told(*speakers: str) -> Told:
    """Messages of these speakers, "" for records that are none."""
    rows = ToldRows()
    rows.extend(
        [
            Telling(
                place=1,
                id=str(row),
                session_id="s",
                memory_type="message" if speaker else "semantic",
                created_at=float(row),
                persisted_at=None,
                event_date=None,
                head=f"{speaker}: hello",
            )
            for row, speaker in enumerate(speakers)
        ]
    )
    return rows.told(len(speakers))


def found(*records: tuple[int, float, float], speakers: Sequence[str] | None = None) -> Candidates:
    """Of (key, similarity, words)."""
    similarity = np.array([record[1] for record in records])
    words = np.array([record[2] for record in records])
    return Candidates(
        keys=np.array([record[0] for record in records], np.int64),
        distances=1 - similarity,
        pooled=similarity,
        bm25=words,
        words=words,
        told=told(*(speakers or [""] * len(records))),
        dense_ranks=np.arange(1, len(records) + 1),
        keyword_ranks=np.where(words > 0, 1, 0),
    )


def asking(alpha: float = 0.5, text: str = "", *, offset: int = 0, limit: int = 1000, **more: Any) -> StoreQuery:
    return StoreQuery(mode=Mode.HYBRID, alpha=alpha, text=text, offset=offset, limit=limit, explain=True, **more)


def placed(candidates: Candidates, *query: Any, **more: Any) -> list[Placed]:
    return fuse(candidates, asking(*query, **more)).placed


def keys(candidates: Candidates, *, alpha: float = 0.5, question: str = "") -> list[int]:
    return [one.key for one in placed(candidates, alpha, question)]


def test_what_both_arms_like_beats_what_one_arm_likes_best() -> None:
    first = placed(found((1, 0.8, 0.0), (2, 0.7, 4.0), (3, 0.1, 5.0)))[0]
    assert (first.key, first.score, first.dist) == (2, 1.0, 0.0)


def test_alpha_one_is_the_order_of_meaning_and_alpha_zero_that_of_words() -> None:
    candidates = found((1, 0.9, 1.0), (2, 0.8, 5.0), (3, 0.7, 9.0))
    assert keys(candidates, alpha=1.0) == [1, 2, 3]
    assert keys(candidates, alpha=0.0) == [3, 2, 1]


def test_a_record_without_a_vector_is_ranked_by_its_words() -> None:
    near = [(key, 0.9 - key / 100, 0.0) for key in range(20)]
    assert keys(found(*near, (99, GONE, 12.0)), alpha=0.9)[0] == 99


def test_the_speaker_whom_the_question_names_moves_up() -> None:
    candidates = found((1, 0.50, 2.0), (2, 0.45, 1.9), (3, 0.0, 0.0), speakers=["ada", "ben", "ben"])
    assert keys(candidates, question="Where does Ben's sister live?")[0] == 2
    assert keys(candidates, question="Where did Ada and Ben meet?")[0] == 1
    assert keys(candidates, question="Where did they meet?")[0] == 1


def test_a_users_turn_beats_an_assistants_that_is_slightly_closer() -> None:
    candidates = found((1, 0.50, 2.0), (2, 0.48, 1.9), (3, 0.0, 0.0), speakers=["assistant", "user", ""])
    assert keys(candidates, question="what did the assistant say")[0] == 2


def test_evidence_tells_what_was_mixed() -> None:
    both = placed(found((1, 0.6, 0.0), (2, GONE, 3.0), speakers=["", "ada"]), 0.5, "ada?")
    by_key = {one.key: one.evidence for one in both}
    assert (by_key[1].similarity, by_key[1].distance, by_key[1].words) == (0.6, 0.4, None)
    assert (by_key[2].similarity, by_key[2].words, by_key[2].factor) == (None, 3.0, 1.25)


def test_no_candidates_are_no_ranking() -> None:
    for part in (fuse(found(), asking()), by_words(found(), asking())):
        assert (part.placed, part.places) == ([], 0)


records = st.lists(st.tuples(st.floats(-1, 1) | st.just(GONE), st.floats(0, 50)), min_size=1, max_size=30)


@given(records=records, alpha=st.floats(0, 1), start=st.integers(0, 30), size=st.integers(1, 10))
def test_every_page_is_a_slice_of_one_ranking_with_scores_from_one_to_zero(
    records: list[tuple[float, float]], alpha: float, start: int, size: int
) -> None:
    candidates = found(*((key, *record) for key, record in enumerate(records)))
    whole = placed(candidates, alpha)
    assert sorted(one.key for one in whole) == list(range(len(records)))
    scores = [one.score for one in whole]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= one.score <= 1 and one.dist == pytest.approx(1 - one.score) for one in whole)
    assert placed(candidates, alpha, offset=start, limit=size) == whole[start : start + size]

"""What says the same again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.repeats import WINDOW, collapsed, spread
from agent_memory_server.domain.told import Told


def told(messages: list[int], sources: dict[int, tuple[int, ...]]) -> Told:
    nothing = np.zeros(len(messages))
    return Told(nothing.astype(np.int64), ("",), nothing, nothing, np.array(messages, np.int64), sources)


def test_the_better_one_of_a_message_and_a_fact_stands_for_both() -> None:
    some = told([7, 0, 8, 0], {1: (7,), 3: (8,)})
    order, also = collapsed(np.array([1, 2, 0, 3]), some)
    assert (order.tolist(), also) == ([1, 2], {1: [0], 2: [3]})


def test_a_message_stands_for_all_facts_of_it_but_facts_not_for_each_other() -> None:
    some = told([7, 0, 0], {1: (7,), 2: (7,)})
    assert collapsed(np.array([0, 1, 2]), some)[1] == {0: [1, 2]}
    order, also = collapsed(np.array([1, 2, 0]), some)
    assert (order.tolist(), also) == ([1, 2], {1: [0]})


def test_a_fact_of_several_messages_stands_for_each_of_them() -> None:
    some = told([7, 8, 0], {2: (7, 8)})
    order, also = collapsed(np.array([2, 0, 1]), some)
    assert (order.tolist(), also) == ([2], {2: [0, 1]})


cases = st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(1, 4), max_size=3)), max_size=12)


@given(cases=cases)
def test_every_record_keeps_its_place_or_is_stood_for_by_a_better_one(cases: list[tuple[int, list[int]]]) -> None:
    messages = [message for message, _ in cases]
    sources = {row: tuple(of) for row, (message, of) in enumerate(cases) if not message and of}
    order, also = collapsed(np.arange(len(cases)), told(messages, sources))
    assert order.tolist() == sorted(order.tolist())
    assert sorted([*order.tolist(), *(row for rows in also.values() for row in rows)]) == list(range(len(cases)))
    for better, rows in also.items():
        assert better in order
        for row in rows:
            assert better < row
            assert bool(messages[better]) != bool(messages[row])


vectors = st.lists(st.integers(0, 3), max_size=40)


@given(kinds=vectors)
def test_near_repeats_leave_the_first_places_to_others_and_nothing_is_lost(kinds: list[int]) -> None:
    own = np.eye(4, dtype=np.float32)[kinds].reshape(-1, 4)
    order = spread(np.arange(len(kinds)), lambda rows: own[rows]).tolist()
    assert sorted(order) == list(range(len(kinds)))
    assert order[WINDOW:] == list(range(WINDOW, len(kinds)))
    head = kinds[:WINDOW]
    first = [head.index(kind) for kind in dict.fromkeys(head)]
    if len(head) > 2:
        assert order[: len(first)] == first
        assert order[len(first) : len(head)] == [row for row in range(len(head)) if row not in first]


def test_records_without_vectors_are_no_repeats() -> None:
    assert spread(np.arange(5), lambda rows: np.zeros((len(rows), 4), np.float32)).tolist() == [0, 1, 2, 3, 4]
    assert spread(np.arange(5), None).tolist() == [0, 1, 2, 3, 4]

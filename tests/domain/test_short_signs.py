"""Signs along the main directions tell angles, know what lies outside of them, and reach as far as they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_memory_server.domain.hamming import few_bits, hamming
from agent_memory_server.domain.short_signs import BITS, FEWEST, Directions, directions_of

DIMENSIONS = 320
INNER = 60
"""Directions in which the vectors differ, but for a little noise."""

Matrix = NDArray[np.float32]


def unit(vectors: NDArray[np.float64]) -> Matrix:
    found: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found


def texts(count: int, seed: int, noise: float = 0.02) -> Matrix:
    """Vectors near a plane of INNER directions, around a common mean, in clusters."""
    plane = np.random.default_rng(1).standard_normal((INNER, DIMENSIONS))
    centers = np.random.default_rng(2).standard_normal((200, INNER))
    chance = np.random.default_rng(seed)
    inner = centers[chance.integers(200, size=count)] + 0.8 * chance.standard_normal((count, INNER))
    return unit(inner @ plane / 8 + 0.5 + noise * chance.standard_normal((count, DIMENSIONS)))


@pytest.fixture(scope="module")
def directions() -> Directions:
    return directions_of(texts(FEWEST, 3), np.random.default_rng(0))


def test_the_share_of_differing_bits_is_the_angle(directions: Directions) -> None:
    vectors = texts(2_000, 4)
    columns, _, outside = directions.signs(vectors)
    assert columns.shape == (4, 2_000)
    assert outside.mean() < 0.02
    for query in vectors[:5]:
        asked = directions.query(query)
        bits = few_bits(columns, asked.plane)
        assert (bits == hamming(columns, asked.plane)).all()
        mean = directions.mean
        own = (query - np.vecdot(query, mean) / np.vecdot(mean, mean) * mean) @ directions.axes.T
        inner = (vectors - mean) @ directions.axes.T
        cosines = inner @ own / np.linalg.norm(inner, axis=1) / np.linalg.norm(own)
        angles = np.arccos(np.clip(cosines, -1, 1))
        assert np.abs(bits / BITS - angles / np.pi).mean() < 0.05


@pytest.mark.parametrize("beside", [0.0, 0.6])
def test_what_is_near_lies_within_the_reach_of_its_distance(directions: Directions, beside: float) -> None:
    """Also of queries that hold much that no record does: words of a question, say."""
    vectors = texts(5_000, 5)
    columns, _, _ = directions.signs(vectors)
    chance = np.random.default_rng(6)
    missed = looked = near = 0
    for query in unit(texts(60, 7) + beside / np.sqrt(DIMENSIONS) * chance.standard_normal((60, DIMENSIONS))):
        distances = 1.0 - np.vecdot(vectors, query)
        tenth = float(np.partition(distances, 9)[9])
        asked = directions.query(query)
        within = few_bits(columns, asked.plane) <= asked.reach(tenth, 1.9)
        missed += int((~within & (distances <= tenth)).sum())
        near += int(within.sum())
        looked += 10
    assert missed <= 0.01 * looked
    assert near < 0.25 * 60 * len(vectors)


def test_a_reach_grows_with_distance_and_deviations_up_to_all_bits(directions: Directions) -> None:
    asked = directions.query(texts(1, 8)[0])
    reaches = [asked.reach(distance, 2.0) for distance in np.linspace(0.0, 2.0, 40)]
    assert reaches == sorted(reaches)
    assert asked.reach(0.3, 1.0) < asked.reach(0.3, 3.0)
    assert asked.reach(2.0, 9.0) == BITS


def test_vectors_of_other_directions_lie_outside(directions: Directions) -> None:
    others = unit(np.random.default_rng(9).standard_normal((200, DIMENSIONS)))
    assert directions.signs(others)[2].all()
    assert not directions.signs(texts(200, 10))[2].any()


def test_few_vectors_get_the_bits_that_many_get(directions: Directions) -> None:
    vectors = texts(500, 11)
    together, _, _ = directions.signs(vectors)
    alone = np.concatenate([directions.signs(one[None])[0] for one in vectors], axis=1)
    differing = np.bitwise_count(together ^ alone).sum()
    assert differing <= 5  # sums in another order: a component next to nothing may change its sign


def test_a_query_without_anything_along_the_directions_has_a_reach_too(directions: Directions) -> None:
    asked = directions.query(np.zeros(DIMENSIONS, np.float32))
    assert 0 <= asked.reach(0.5, 1.9) <= BITS

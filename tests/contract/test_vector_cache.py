"""The contract of `VectorCache`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tests.contract.conftest import Keeper
from tests.contract.memories import DIMENSIONS


def digest(text: object) -> bytes:
    return hashlib.sha256(str(text).encode()).digest()


def vector(seed: int) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)
    return values / np.linalg.norm(values)


def some(numbers: Iterable[int]) -> dict[bytes, NDArray[np.float32]]:
    return {digest(n): vector(n) for n in numbers}


async def test_vectors_come_back_exactly(keeper: Keeper) -> None:
    cache = keeper.vectors(100)
    await cache.put("model", some(range(5)))
    found = await cache.get("model", [digest(n) for n in (3, 1, 99)])
    assert found.keys() == {digest(3), digest(1)}
    for number in (1, 3):
        assert found[digest(number)].dtype == np.float32
        np.testing.assert_array_equal(found[digest(number)], vector(number))


async def test_a_vector_belongs_to_its_model(keeper: Keeper) -> None:
    cache = keeper.vectors(100)
    await cache.put("one", {digest("x"): vector(1)})
    await cache.put("two", {digest("x"): vector(2)})
    np.testing.assert_array_equal((await cache.get("one", [digest("x")]))[digest("x")], vector(1))
    assert await cache.get("three", [digest("x")]) == {}


async def test_nothing_asked_or_put_is_nothing_done(keeper: Keeper) -> None:
    cache = keeper.vectors(100)
    await cache.put("model", {})
    assert await cache.get("model", []) == {}


async def test_the_oldest_vectors_go_when_the_bound_is_reached(keeper: Keeper) -> None:
    cache = keeper.vectors(10)
    for number in range(25):
        await cache.put("model" if number % 2 else "other", some([number]))
    found = await cache.get("model", [digest(n) for n in range(25)])
    found |= await cache.get("other", [digest(n) for n in range(25)])
    assert found.keys() == {digest(n) for n in range(15, 25)}


async def test_more_vectors_than_fit_leave_the_last_ones(keeper: Keeper) -> None:
    cache = keeper.vectors(10)
    await cache.put("model", some(range(100)))
    assert (await cache.get("model", [digest(n) for n in range(100)])).keys() == {digest(n) for n in range(90, 100)}


async def test_a_vector_put_again_is_replaced_and_young_again(keeper: Keeper) -> None:
    cache = keeper.vectors(3)
    await cache.put("model", some([1, 2, 3]))
    await cache.put("model", {digest(1): vector(7)})
    await cache.put("model", some([4]))
    found = await cache.get("model", [digest(n) for n in (1, 2, 3, 4)])
    assert digest(2) not in found
    np.testing.assert_array_equal(found[digest(1)], vector(7))


async def test_any_float_array_is_kept_as_float32(keeper: Keeper) -> None:
    cache = keeper.vectors(3)
    every_second = np.repeat(vector(1).astype(np.float64), 2)[::2]
    await cache.put("model", {digest("x"): every_second})  # type: ignore[dict-item]
    np.testing.assert_array_equal((await cache.get("model", [digest("x")]))[digest("x")], vector(1))

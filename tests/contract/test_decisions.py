"""What every memory of a model's decisions promises."""

from __future__ import annotations

import hashlib

from tests.contract.conftest import Keeper


def digest(text: object) -> bytes:
    return hashlib.sha256(str(text).encode()).digest()


def some(first: int, last: int, said: bytes = b"\x00no\xff") -> dict[bytes, bytes]:
    return {digest(n): said + bytes([n]) for n in range(first, last)}


async def test_answers_come_back_exactly(keeper: Keeper) -> None:
    decisions = keeper.decisions(100)
    await decisions.keep(some(0, 3))
    assert await decisions.get([digest(n) for n in (2, 0, 9)]) == {digest(n): some(0, 3)[digest(n)] for n in (0, 2)}


async def test_nothing_asked_or_kept_is_nothing_done(keeper: Keeper) -> None:
    decisions = keeper.decisions(100)
    await decisions.keep({})
    assert await decisions.get([]) == {}


async def test_the_oldest_answers_go_when_the_bound_is_reached(keeper: Keeper) -> None:
    decisions = keeper.decisions(10)
    await decisions.keep(some(0, 8))
    await decisions.keep(some(0, 1, b"again"))
    await decisions.keep(some(8, 15))
    found = await decisions.get([digest(n) for n in range(15)])
    assert found.keys() == {digest(n) for n in (0, 6, 7, *range(8, 15))}
    assert found[digest(0)] == b"again\x00"

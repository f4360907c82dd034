"""Questions of one turn of the event loop are answered together, a few at a time, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_memory_server.adapters.sqlite.together import AT_ONE_TIME, Together


class Squares:
    """Answers numbers with their squares; declines 0, fails -1 alone, and 666 with all that are asked beside it."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []

    def answer(self, numbers: Sequence[int]) -> list[int | Exception | None]:
        self.turns.append(list(numbers))
        if 666 in numbers:
            raise OSError("all of them")
        return [ValueError("alone") if n < 0 else n * n or None for n in numbers]


async def test_each_question_gets_its_own_outcome() -> None:
    together = Together(Squares().answer)
    found = await asyncio.gather(*map(together.ask, [3, 0, -1, 5, 2, 1]), return_exceptions=True)
    assert [found[0], found[1], *found[3:]] == [9, None, 25, 4, 1]
    assert isinstance(found[2], ValueError)


async def test_others_get_a_turn_after_a_few_questions() -> None:
    squares = Squares()
    together = Together(squares.answer)
    turns_of_others = 0

    async def other() -> None:
        nonlocal turns_of_others
        while len(squares.turns) < 5:
            await asyncio.sleep(0)
            turns_of_others += 1

    numbers = range(1, 4 * AT_ONE_TIME + 2)
    *found, _ = await asyncio.gather(*map(together.ask, numbers), other())
    assert found == [n * n for n in numbers]
    assert [len(turn) for turn in squares.turns] == [AT_ONE_TIME] * 4 + [1]
    assert turns_of_others >= 4


async def test_a_failure_of_all_ends_with_its_turn() -> None:
    together = Together(Squares().answer)
    numbers = [666, *range(1, AT_ONE_TIME + 1)]
    found = await asyncio.gather(*map(together.ask, numbers), return_exceptions=True)
    assert all(isinstance(one, OSError) for one in found[:AT_ONE_TIME])
    assert found[AT_ONE_TIME:] == [AT_ONE_TIME**2]


async def test_a_question_that_was_given_up_is_not_answered() -> None:
    squares = Squares()
    together = Together(squares.answer)
    tasks = [asyncio.create_task(together.ask(n)) for n in range(1, 4)]
    asyncio.get_running_loop().call_soon(tasks[1].cancel)
    await asyncio.wait(tasks)
    assert squares.turns == [[1, 3]]
    assert [task.result() for task in (tasks[0], tasks[2])] == [1, 9]
    with pytest.raises(asyncio.CancelledError):
        tasks[1].result()


def test_every_event_loop_has_its_own_turns() -> None:
    together = Together(Squares().answer)

    async def ask(first: int) -> list[int | None]:
        return [answer for n in range(50) for answer in await asyncio.gather(together.ask(first + n))]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda first: asyncio.run(ask(first)), [20, 120, 220, 320]))
    assert found == [[n * n for n in range(first, first + 50)] for first in (20, 120, 220, 320)]

"""What says the same thing again: a message and what was read out of it, and messages in nearly the same words.

Both work on an order of candidates, as rows of their raw material, best first. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.told import Told

Ints = NDArray[np.int64]

WINDOW = 20
"""Places among which near-repeats move behind the others: two pages of ten."""

SAME = 0.95
"""Cosine similarity from which on two records are near-repeats."""


def collapsed(order: Ints, told: Told) -> tuple[Ints, dict[int, list[int]]]:
    """The order without those that say what a better one says: of a message and a record that was read out of it the
    better one stands for both. Two records that were read out of one message stand beside each other.

    Returns the rows that keep a place, in order, and for each that stands for others these rows, in order.
    """
    if not told.sources:
        return order, {}
    stands_for: dict[int, list[int]] = {}
    shown: dict[int, int] = {}  # a message's number: the row of the message, or of what was read out of it
    kept = []
    for row in order.tolist():
        message = int(told.messages[row])
        links = (message,) if message else told.sources.get(row, ())
        better = [shown[link] for link in links if link in shown and _differ(told, shown[link], row)]
        if better:
            stands_for.setdefault(better[0], []).append(row)
            continue
        kept.append(row)
        for link in links:
            shown.setdefault(link, row)
    return np.array(kept, np.int64), stands_for


def _differ(told: Told, one: int, other: int) -> bool:
    """Whether one is a message and the other was read out of one."""
    return bool(told.messages[one]) != bool(told.messages[other])


def spread(order: Ints, vectors: Callable[[Ints], NDArray[np.float32]] | None) -> Ints:
    """The order with near-repeats of a better one moved to the end of the first WINDOW places. vectors: gives those of
    rows."""
    head = order[:WINDOW]
    if vectors is None or len(head) < 3:
        return order
    own = vectors(head)
    alike = np.tril(np.vecdot(own[:, None, :], own[None, :, :]) >= SAME, -1)
    if not alike.any():
        return order
    repeats = np.zeros(len(head), np.bool_)
    for place in np.flatnonzero(alike.any(axis=1)).tolist():
        repeats[place] = bool((alike[place] & ~repeats).any())
    return np.concatenate([head[~repeats], head[repeats], order[WINDOW:]])

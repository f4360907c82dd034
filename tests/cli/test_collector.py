"""What the garbage collector looks at in a process that serves."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from agent_memory_server.cli.collector import spare_what_was_loaded


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_was_loaded_is_never_looked_at_again_and_what_comes_later_is() -> None:
    loaded = [[number] for number in range(1000)]
    spare_what_was_loaded()
    looked_at = {id(one) for one in gc.get_objects()}
    assert not any(id(one) in looked_at for one in loaded)
    later: list[object] = []
    later.append(later)  # only the collector can free it
    number = id(later)
    assert any(id(one) == number for one in gc.get_objects())
    del later
    assert gc.collect() >= 1

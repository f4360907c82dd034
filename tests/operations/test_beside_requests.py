"""Comparing memories in the background leaves the process to requests, and never stands still."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.beside_requests import LONGEST_REST_S, QUIET_S, REST, REST_BESIDE_REQUESTS, Requests
from agent_memory_server.operations.consolidate import consolidate
from agent_memory_server.operations.remember import remember
from tests.operations.given import NOW, SettableClock, memory


def test_requests_are_coming_until_none_came_for_a_while(clock: SettableClock) -> None:
    requests = Requests(clock)
    assert not requests.coming()
    requests.arrived()
    assert requests.coming()
    clock.now += QUIET_S / 2
    requests.arrived()
    clock.now += QUIET_S * 0.75
    assert requests.coming()
    clock.now += QUIET_S / 2
    assert not requests.coming()


def test_a_step_is_followed_by_a_rest_that_is_longer_beside_requests_and_never_long(clock: SettableClock) -> None:
    requests = Requests(clock)
    assert requests.rest_s(0.002) == pytest.approx(0.002 * REST)
    requests.arrived()
    assert requests.rest_s(0.002) == pytest.approx(0.002 * REST_BESIDE_REQUESTS)
    assert requests.rest_s(60.0) == LONGEST_REST_S


class Observed(Requests):
    """Keeps how long each step took, and the rest that followed. Its clock stands still: what came keeps coming."""

    def __init__(self) -> None:
        super().__init__(SettableClock(NOW))
        self.rests: list[tuple[float, float]] = []

    def rest_s(self, took_s: float) -> float:
        rest = super().rest_s(took_s)
        self.rests.append((took_s, rest))
        return rest


@pytest.mark.parametrize(("coming", "times"), [(True, REST_BESIDE_REQUESTS), (False, REST)])
async def test_every_record_is_compared_with_a_rest_behind_it(
    on_each_engine: Application, coming: bool, times: float
) -> None:
    requests = Observed()
    if coming:
        requests.arrived()
    app = replace(on_each_engine, requests=requests)
    await remember(app, LOCAL, [memory(f"m{n}", f"User likes thing number {n}", user_id="ana") for n in range(3)])
    began = time.monotonic()
    assert await consolidate(app, resting=True) == 3
    passed = time.monotonic() - began
    assert [rest for _, rest in requests.rests] == [min(took * times, LONGEST_REST_S) for took, _ in requests.rests]
    assert passed >= sum(took + rest for took, rest in requests.rests)

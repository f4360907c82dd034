"""What every decision log promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason, matches
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.decision_log import DecisionLog
from tests.contract.conftest import Keeper

ANY = DecisionFilter()


def decision(n: int = 0, **members: object) -> Decision:
    usual = {
        "at": 1_790_000_000.25 + n,
        "kind": Kind.MERGE,
        "outcome": Outcome.DONE,
        "reason": Reason.SAME,
        "by": "rules",
    }
    return Decision(**(usual | members))  # type: ignore[arg-type]


async def walk(log: DecisionLog, scope: Scope, wanted: DecisionFilter, limit: int) -> list[Decision]:
    page = await log.list(scope, wanted, limit=limit)
    found = [*page.decisions]
    while page.cursor is not None:
        page = await log.list(scope, wanted, limit=limit, cursor=page.cursor)
        found += page.decisions
    return found


async def test_a_decision_comes_back_exactly_and_the_newest_comes_first(keeper: Keeper) -> None:
    log = keeper.decision_log(100)
    whole = decision(
        1,
        namespace="team",
        user_id="Ana, 'x' *",
        session_id="s",
        memory_ids=("a", 'b"'),
        message_ids=("m",),
        into="a",
        count=3,
        kind=Kind.EXTRACTION,
        outcome=Outcome.REFUSED,
        reason=Reason.NO_QUOTATION,
        by="some/model",
    )
    await log.add([decision(0), whole])
    page = await log.list(EVERYWHERE, ANY, limit=9)
    assert [replace(each, id="") for each in page.decisions] == [whole, decision(0)]
    assert page.cursor is None
    assert len({each.id for each in page.decisions}) == 2


async def test_the_oldest_go_when_the_bound_is_reached(keeper: Keeper) -> None:
    log = keeper.decision_log(10)
    await log.add([decision(n) for n in range(8)])
    await log.add([decision(n) for n in range(8, 25)])
    await log.add([])
    assert [each.at for each in await walk(log, EVERYWHERE, ANY, 3)] == [decision(n).at for n in range(24, 14, -1)]


async def test_a_walk_sees_each_once_while_others_are_added(keeper: Keeper) -> None:
    log = keeper.decision_log(100)
    await log.add([decision(n) for n in range(6)])
    first = await log.list(EVERYWHERE, ANY, limit=4)
    await log.add([decision(n) for n in range(6, 9)])
    second = await log.list(EVERYWHERE, ANY, limit=4, cursor=first.cursor)
    assert [each.at for each in (*first.decisions, *second.decisions)] == [decision(n).at for n in range(5, -1, -1)]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1-", "9" * 30, "²", "٣-٣", f"{2**64}-0", f"1-{2**64}"])
async def test_a_foreign_cursor_is_refused(keeper: Keeper, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        await keeper.decision_log(9).list(EVERYWHERE, ANY, limit=1, cursor=cursor)


NAMES = st.sampled_from(["", "a", "A", "b,c"])
IDS = st.lists(st.sampled_from("xyzX"), max_size=3).map(tuple)
DECISIONS = st.builds(
    decision,
    st.integers(0, 9),
    kind=st.sampled_from(Kind),
    outcome=st.sampled_from(Outcome),
    reason=st.sampled_from([Reason.SAME, Reason.PINNED]),
    namespace=NAMES,
    user_id=NAMES,
    session_id=NAMES,
    memory_ids=IDS,
    into=st.sampled_from(["", "x", "X"]),
    count=st.integers(1, 3),
)
GRANTED = st.none() | st.frozensets(NAMES, max_size=2)
WANTED = st.builds(
    DecisionFilter,
    kind=st.none() | st.sampled_from(Kind),
    outcome=st.none() | st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from([Reason.SAME, Reason.PINNED]),
    memory_id=st.none() | st.sampled_from("xyzX"),
    session_id=st.none() | NAMES,
    namespace=st.none() | NAMES,
    user_id=st.none() | NAMES,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(decisions=st.lists(DECISIONS, min_size=1, max_size=6), scope=st.builds(Scope, GRANTED, GRANTED), wanted=WANTED)
async def test_what_is_listed_and_counted_is_what_the_scope_allows_and_was_asked_for(
    keeper: Keeper, decisions: list[Decision], scope: Scope, wanted: DecisionFilter
) -> None:
    log = keeper.decision_log(len(decisions))
    await log.add(decisions)
    expected = [each for each in reversed(decisions) if matches(each, scope, wanted)]
    assert [replace(each, id="") for each in await walk(log, scope, wanted, 2)] == expected
    counted: Counter[tuple[Kind, Outcome, Reason]] = Counter()
    for each in expected:
        counted[each.kind, each.outcome, each.reason] += each.count
    assert await log.counts(scope, wanted) == counted

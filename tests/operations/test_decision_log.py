"""What was decided about memories can be looked up: what was merged into what, and what a model proposed in vain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason
from agent_memory_server.domain.errors import Forbidden, Unavailable
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.consolidate import consolidate
from agent_memory_server.operations.decision_log import count_decisions, list_decisions
from agent_memory_server.operations.extract import extract_session
from agent_memory_server.operations.label import label
from agent_memory_server.operations.remember import remember
from tests.operations.given import KEY, NOW, SettableClock, append, caller, embed_everything, memory, turn
from tests.support.chat_service import ChatService, chat_service, model_of

ANY = DecisionFilter()


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def wide(on_each_engine: Application) -> Application:
    """Comparing whatever is there: the embedder of the tests knows no meaning."""
    return replace(on_each_engine, options=replace(on_each_engine.options, duplicate_distance=2.0))


@pytest.fixture
async def judged(wide: Application, service: ChatService) -> AsyncIterator[Application]:
    model = model_of(service)
    yield replace(wide, chat=model, fast_chat=model)
    await model.close()


def fact(id_: str, text: str, n: int = 0, **fields: Any) -> Memory:
    usual = {"user_id": "ana", "created_at": NOW + n, "topics": ("t",), "entities": ("e",)}
    return memory(id_, text, **usual | fields)


async def compared(app: Application, *facts: Memory) -> list[Decision]:
    """What is decided about facts, newest first."""
    await remember(app, LOCAL, facts)
    await embed_everything(app)
    await consolidate(app)
    return list((await list_decisions(app, LOCAL, ANY, limit=50)).decisions)


def told(decision: Decision) -> tuple[str, str, str, str, tuple[str, ...], str]:
    ids = tuple(sorted(decision.memory_ids))
    return decision.kind, decision.outcome, decision.reason, decision.by, ids, decision.into


async def test_a_merge_and_a_contradiction_name_who_stays_and_why(wide: Application) -> None:
    found = await compared(
        wide,
        fact("a", "User likes green tea."),
        fact("b", "The user enjoys green tea", 1),
        fact("c", "User does not like green tea", 2),
    )
    assert {told(one) for one in found} >= {
        ("merge", "done", "same", "rules", ("b",), "a"),
        ("supersede", "done", "contradicted", "rules", ("a",), "c"),
    } or {told(one) for one in found} >= {
        ("supersede", "done", "contradicted", "rules", ("a",), "c"),
        ("supersede", "done", "contradicted", "rules", ("b",), "c"),
    }
    assert {(one.namespace, one.user_id) for one in found} == {("", "ana")}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({"metadata": {"k": 1}}, {"metadata": {"k": 2}}, "metadata_differs"),
        ({"event_date": 1.0}, {"event_date": 2.0}, "event_dates_differ"),
        ({"pinned": True}, {"pinned": True}, "pinned"),
    ],
)
async def test_what_the_records_do_not_allow_is_noted_once(
    wide: Application, one: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    text = "User likes green tea."
    found = await compared(wide, fact("a", text, **one), fact("b", "The user likes green tea", 1, **other))
    assert [told(each) for each in found] == [("merge", "refused", reason, "rules", ("a", "b"), "")]


@pytest.mark.parametrize(
    ("texts", "merged", "reason"),
    [
        (("User has 2 dogs.", "User has 3 dogs."), "User has 3 dogs.", "number_name_or_date_lost"),
        (("User eats meat.", "User eats no meat daily."), "User eats meat daily.", "negation_differs"),
        (("User works as a nurse.", "User owns a red car."), "User works as a nurse, owns a car.", "words_lost"),
        (("User likes tea.", "User drinks tea."), "User likes and drinks tea with milk.", "text_empty_or_too_long"),
        (("User likes green tea.", "User drinks tea."), "User likes milk, drinks tea.", "words_added"),
        (("User used to smoke cigars.", "User smokes cigars."), "User used to smoke cigars.", "time_or_person_differs"),
        (("Ann likes Bob.", "Bob likes Ann."), "Ann likes Bob.", "order_differs"),
        (
            ("User has 3 cats, 2 dogs.", "User owns 2 dogs, 3 cats."),
            "User owns 2 cats, has 3 dogs.",
            "given_to_something_else",
        ),
    ],
)
async def test_a_merge_that_a_model_proposed_in_vain_tells_why(
    judged: Application, service: ChatService, texts: tuple[str, str], merged: str, reason: str
) -> None:
    service.answer({"pairs": [{"number": 1, "relation": "same", "text": merged}]})
    found = await compared(judged, fact("a", texts[0]), fact("b", texts[1], 1))
    assert [told(each) for each in found] == [("merge", "refused", reason, "some-model", ("a", "b"), "")]
    await consolidate(judged)
    assert len((await list_decisions(judged, LOCAL, ANY, limit=9)).decisions) == 1


async def test_labels_that_the_text_does_not_name_are_counted(judged: Application, service: ChatService) -> None:
    await remember(judged, LOCAL, [memory("a", "User flew to Oslo.", user_id="ana")])
    service.answer({"memories": [{"number": 1, "topics": ["t"], "entities": ["Oslo", "Bergen", "Rome"]}]})
    await label(judged)
    (found,) = (await list_decisions(judged, LOCAL, ANY, limit=9)).decisions
    assert (told(found), found.count) == (
        ("label", "refused", "entity_not_in_text", "some-model", ("a",), ""),
        2,
    )


async def test_what_a_reading_model_proposed_in_vain_names_message_and_session(
    judged: Application, service: ChatService, clock: SettableClock
) -> None:
    await append(judged, turn("m1", "I live in Oslo. I told Ana that maybe my cat is ill."))
    clock.now += 30
    usual = {"source": 1, "quote": "I live in Oslo"}
    service.answer(
        {
            "memories": [
                usual | {"text": "User lives in Oslo."},
                usual | {"text": "User lives in Rome.", "quote": "I live in Rome"},
                usual | {"text": "User lives in Bergen.", "quote": "I live in Bergen"},
                usual | {"text": "User lives with Robert."},
                usual | {"text": "User has a dog.", "source": 7},
            ]
        }
    )
    assert await extract_session(judged, KEY) == 1
    found = (await list_decisions(judged, LOCAL, ANY, limit=9)).decisions
    assert {(one.reason, one.count, one.message_ids) for one in found} == {
        ("quotation_not_in_message", 2, ("m1",)),
        ("name_not_in_conversation", 1, ("m1",)),
        ("no_such_message", 1, ()),
    }
    assert {(one.kind, one.by, one.session_id, one.user_id) for one in found} == {
        ("extraction", "some-model", KEY.session_id, KEY.user_id)
    }


async def test_what_rules_pass_over_is_no_refused_proposal(app: Application, clock: SettableClock) -> None:
    await append(app, turn("m1", "I love it! Maybe I would like tea. I live in Oslo."))
    clock.now += 30
    await extract_session(app, KEY)
    assert (await list_decisions(app, LOCAL, ANY, limit=9)).decisions == []


async def test_nobody_sees_decisions_about_memories_of_others(wide: Application) -> None:
    for user in ("ana", "eva"):
        texts = ["User likes green tea.", "The user enjoys green tea"]
        await compared(wide, *(fact(f"{user}{n}", text, n, user_id=user) for n, text in enumerate(texts)))
    ana = caller(users=["ana"])
    assert [one.into for one in (await list_decisions(wide, ana, ANY, limit=9)).decisions] == ["ana0"]
    assert await count_decisions(wide, ana, ANY) == {(Kind.MERGE, Outcome.DONE, Reason.SAME): 1}
    assert (await list_decisions(wide, ana, DecisionFilter(user_id="eva"), limit=9)).decisions == []
    with pytest.raises(Forbidden):
        await list_decisions(wide, caller(can=frozenset({Action.WRITE})), ANY, limit=9)


class BrokenLog:
    """A log that cannot be written."""

    async def add(self, _decisions: object) -> None:
        raise Unavailable("the log is gone")


async def test_a_log_that_cannot_be_written_stops_no_work(wide: Application) -> None:
    broken = replace(wide, decision_log=BrokenLog())  # type: ignore[arg-type]
    await remember(broken, LOCAL, [fact("a", "User likes green tea."), fact("b", "The user enjoys green tea", 1)])
    await embed_everything(broken)
    await consolidate(broken)
    assert [one.id for one in await wide.memories.get(LOCAL.scope, ["a", "b"]) if not one.superseded_by] == ["a"]

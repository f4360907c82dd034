"""A chat model says what two near memories are to each other: it is asked once, checked, and waited for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import EVERYTHING, Filter, TextField, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.compact import compact
from agent_memory_server.operations.consolidate import compare, consolidate
from agent_memory_server.operations.recall import history
from agent_memory_server.operations.remember import remember
from tests.operations.given import NOW, SettableClock, caller, embed_everything, memory, records
from tests.support.chat_service import Asked, ChatService, chat_service, failed, model_of

PARAPHRASES = [
    "User drinks green tea every morning.",
    "Every morning the user has a cup of green tea.",
    "A cup of green tea is how the user starts every morning.",
    "User's drink every morning is green tea.",
    "Green tea is what the user drinks every morning.",
    "The user begins every morning with green tea.",
    "User starts every morning with a green tea.",
    "Every single morning, the user drinks green tea.",
    "For the user, every morning starts with green tea.",
    "The user's drink for every morning: green tea.",
]
GIVEN_UP = "User has given up green tea for coffee."


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def judged(on_each_engine: Application, service: ChatService) -> AsyncIterator[Application]:
    """With a model that judges, and comparing whatever is there: the embedder of the tests knows no meaning."""
    model = model_of(service)
    app = on_each_engine
    yield replace(app, fast_chat=model, options=replace(app.options, duplicate_distance=2.0))
    await model.close()


def fact(id_: str, text: str, n: int = 0, **fields: Any) -> Memory:
    return memory(id_, text, **{"user_id": "ana", "created_at": NOW + n, **fields})


async def current(app: Application) -> dict[str, Memory]:
    page = await app.memories.list(EVERYWHERE, EVERYTHING, limit=500)
    return {found.id: found for found in page.memories}


def pairs_in(asked: Asked) -> list[dict[str, Any]]:
    return [json.loads(line) for line in asked.text.splitlines() if line.startswith('{"number"')]


def judging(judge: Callable[[str, str], tuple[str, str]]) -> Callable[[Asked], dict[str, Any]]:
    """A model that says of each pair what this function says: relation and text."""

    def answer(asked: Asked) -> dict[str, Any]:
        said = [(pair["number"], *judge(pair["one"], pair["other"])) for pair in pairs_in(asked)]
        return {"pairs": [{"number": n, "relation": relation, "text": text} for n, relation, text in said]}

    return answer


def both(one: str, other: str) -> str:
    """One of them, with the words of the other that it lacks."""
    had = {word.strip(".,:").lower() for word in one.split()}
    more = [word for word in other.rstrip(".").split() if word.strip(".,:").lower() not in had]
    return f"{one.rstrip('.')}, {' '.join(more).lower()}." if more else one


def about_tea(one: str, other: str) -> tuple[str, str]:
    return ("contradicts", "") if GIVEN_UP in (one, other) else ("same", both(one, other))


async def consolidate_all(app: Application) -> None:
    for _ in range(20):
        await embed_everything(app)
        if not await consolidate(app):
            return
    raise AssertionError("there is always something to compare")


def always(relation: str, text: str = "") -> Callable[[str, str], tuple[str, str]]:
    return lambda _one, _other: (relation, text)


async def test_paraphrases_that_rules_cannot_tell_and_their_contradiction_end_as_one_memory_with_a_history(
    judged: Application, service: ChatService, clock: SettableClock
) -> None:
    service.answer(judging(about_tea))
    clock.now += 100
    told = [fact(f"p{n}", text, n, topics=(f"t{n}",)) for n, text in enumerate(PARAPHRASES)]
    await remember(judged, LOCAL, told)
    await consolidate_all(judged)
    (left,) = (await current(judged)).values()
    assert left.id == "p0"
    assert set(left.topics) == {f"t{n}" for n in range(10)}
    await remember(judged, LOCAL, [fact("no", GIVEN_UP, 50)])
    await consolidate_all(judged)
    assert set(await current(judged)) == {"no"}
    versions = await history(judged, LOCAL, "no")
    assert {one.id for one in versions} >= {"no", *(one.id for one in told)}
    asked = len(service.asked)
    assert await consolidate(judged) == 0
    assert len(service.asked) == asked


async def test_a_merged_text_that_holds_both_takes_their_place_and_is_embedded_once(
    judged: Application, service: ChatService
) -> None:
    text = "User works for Acme as a nurse since 2019."
    service.answer(judging(always("same", text)))
    ones = [fact("a", "User works as a nurse for Acme."), fact("b", "User has worked for Acme since 2019.", 1)]
    await remember(judged, LOCAL, ones)
    await consolidate(judged)
    (left,) = (await current(judged)).values()
    assert (left.id, left.text) == ("a", text)
    assert [owed.text for owed in await judged.memories.owed_embeddings(limit=9)] == [text]
    assert {one.text for one in await history(judged, LOCAL, "a")} == {text, *(one.text for one in ones)}


async def test_a_text_that_one_record_takes_over_from_the_other_is_not_embedded_again(
    judged: Application, service: ChatService
) -> None:
    service.answer(judging(always("same")))
    longer = "User has lived in Rome with Ana since 2019."
    await remember(judged, LOCAL, [fact("a", "User has lived in Rome."), fact("b", longer, 1)])
    before = await judged.memories.vectors(["b"])
    await consolidate(judged)
    (left,) = (await current(judged)).values()
    assert (left.id, left.text) == ("a", longer)
    assert await judged.memories.owed_embeddings(limit=9) == []
    assert (await judged.memories.vectors(["a"]))["a"].tolist() == before["b"].tolist()


@pytest.mark.parametrize("text", ["User likes tea", "User likes tea and coffee"])
async def test_a_model_that_calls_everything_the_same_merges_nothing_that_would_be_lost(
    judged: Application, service: ChatService, text: str
) -> None:
    service.answer(judging(always("same", text)))
    things = ["tea", "coffee", "dogs", "chess", "Rome", "jazz", "rain", "skiing", "bread", "maths"]
    likes = [f"User {verb} {thing}" for verb in ("likes", "fears", "studies", "collects") for thing in things]
    counted = [f"User's locker {n} has the code {n * 37}" for n in range(80)]
    dated = [f"User met Ana on 2024-05-{day:02}" for day in range(1, 29)]
    named = [f"User has a friend called {name}" for name in "Ana Eva Bob Tom Kim Max Leo Mia Ida Jon Ben Lea".split()]
    single = [f"User's favourite {thing} is {thing}1" for thing in (f"thing{n}" for n in range(40))]
    texts = [*likes, *counted, *dated, *named, *single]
    await remember(judged, LOCAL, [fact(f"f{n}", text, n) for n, text in enumerate(texts)])
    await consolidate(judged)
    assert len(texts) == len(await current(judged)) == 200


async def test_no_pair_is_asked_about_twice_not_even_under_other_ids(judged: Application, service: ChatService) -> None:
    service.answer(judging(always("different")))
    texts = ["User lives in Lyon", "User has a flat in Lyon", "User was born in Lyon"]
    await remember(judged, LOCAL, [fact(f"a{n}", text) for n, text in enumerate(texts)])
    await consolidate(judged)
    asked = [frozenset((pair["one"], pair["other"])) for one in service.asked for pair in pairs_in(one)]
    assert len(asked) == len(set(asked)) == 3
    again = [fact(f"b{n}", text, user_id="eva") for n, text in enumerate(texts)]
    await remember(judged, LOCAL, again)
    await consolidate(judged)
    assert sum(len(pairs_in(one)) for one in service.asked) == 3
    assert len(await current(judged)) == 6


async def test_memories_of_two_users_are_never_in_one_question(judged: Application, service: ChatService) -> None:
    service.answer(judging(always("different")))
    for user in ("ana", "eva"):
        told = [fact(f"{user}{n}", f"{user} fact {n} about {n}", user_id=user) for n in range(3)]
        await remember(judged, LOCAL, told)
    await consolidate(judged)
    assert service.asked
    for asked in service.asked:
        assert ("ana" in asked.text) != ("eva" in asked.text)


async def test_a_later_event_told_earlier_stays_and_pins_are_never_superseded(
    judged: Application, service: ChatService
) -> None:
    service.answer(judging(always("contradicts")))
    now_home = fact("paris", "User moved to Paris", event_date=NOW - 10)
    before = fact("rome", "User went to live in Rome", 5, event_date=NOW - 1000)
    await remember(judged, LOCAL, [now_home, before])
    await consolidate(judged)
    assert set(await current(judged)) == {"paris"}
    pinned = [fact("x", "User's desk is in room 3", pinned=True, user_id="bob"), fact("y", "No desk", 5, user_id="bob")]
    await remember(judged, LOCAL, pinned)
    await consolidate(judged)
    assert set(await current(judged)) == {"paris", "x", "y"}


async def test_a_pinned_text_is_not_changed_by_merging(judged: Application, service: ChatService) -> None:
    service.answer(judging(always("same")))
    await remember(
        judged, LOCAL, [fact("a", "User lives in Rome", pinned=True), fact("b", "User lives in Rome near Ana", 1)]
    )
    await consolidate(judged)
    assert set(await current(judged)) == {"a", "b"}


async def test_while_the_model_is_down_the_rules_go_on_and_the_rest_is_owed(
    judged: Application, service: ChatService
) -> None:
    service.answer(judging(always("contradicts")))
    service.outage = failed(500)
    told = [fact("a", "User likes tea"), fact("b", "The user likes tea", 1), fact("c", "User gave up tea", 2)]
    await remember(judged, LOCAL, told)
    with pytest.raises(Unavailable):
        await consolidate(judged)
    assert set(await current(judged)) == {"a", "c"}
    service.outage = None
    await consolidate(judged)
    assert set(await current(judged)) == {"c"}


async def test_a_model_that_fails_is_asked_once_in_a_run(judged: Application, service: ChatService) -> None:
    service.outage = failed(500)
    told = [fact(f"f{n}", f"User has thing {n} in place {n}", n) for n in range(150)]
    await remember(judged, LOCAL, told)
    with pytest.raises(Unavailable):
        await consolidate(judged)
    assert len({asked.text for asked in service.asked}) == 1
    assert len(await judged.memories.uncompared(EVERYWHERE, EVERYTHING, limit=500)) == 150


async def test_a_question_that_the_model_refuses_holds_up_no_others(judged: Application, service: ChatService) -> None:
    def answer(asked: Asked) -> Any:
        if "poison" in asked.text:
            return failed(400, body={"error": {"code": "content_policy_violation", "message": "no"}})
        return judging(always("contradicts"))(asked)

    service.answer(answer)
    told = [fact("a", "User lives here"), fact("p", "poison", 1), fact("b", "User moved there", 2)]
    await remember(judged, LOCAL, told)
    await consolidate(judged)
    assert set(await current(judged)) == {"b", "p"}
    asked = len(service.asked)
    await consolidate(judged)
    assert len(service.asked) == asked


async def test_a_comparison_that_has_no_time_left_asks_nobody_and_leaves_the_rest(
    judged: Application, service: ChatService
) -> None:
    service.answer(judging(always("contradicts")))
    told = [fact("a", "User likes tea"), fact("b", "The user likes tea", 1), fact("c", "User gave up tea", 2)]
    await remember(judged, LOCAL, told)
    walk = await compare(judged, EVERYWHERE, EVERYTHING, within_s=0.0)
    assert (service.asked, walk.failure) == ([], None)
    assert set(await current(judged)) == {"a", "c"}
    await consolidate(judged)
    assert set(await current(judged)) == {"c"}


async def test_compaction_compares_only_what_the_request_may_and_names(
    judged: Application, service: ChatService
) -> None:
    service.answer(judging(always("contradicts")))
    for user in ("ana", "eva"):
        await remember(judged, LOCAL, [fact(f"{user}{n}", f"{user} was at place {n}", n, user_id=user) for n in (0, 1)])
    eva = caller(users=["eva"])
    assert await compact(judged, eva, Filter((only(TextField.USER_ID, "ana"),))) == 0
    assert len(await current(judged)) == 4
    assert await compact(judged, LOCAL, Filter((only(TextField.USER_ID, "ana"),))) == 1
    assert await compact(judged, eva, EVERYTHING) == 1
    assert set(await current(judged)) == {"ana1", "eva1"}
    assert await judged.memories.uncompared(Scope(), EVERYTHING, limit=9) == []


async def test_compaction_answers_while_the_model_is_down_and_keeps_the_history_of_exact_copies(
    judged: Application, service: ChatService
) -> None:
    service.outage = failed(500)
    copies = [fact("a", "User likes tea", metadata={"page": 1}), fact("b", "User likes tea", 1, metadata={"page": 2})]
    await remember(judged, LOCAL, [*copies, fact("c", "User gave up tea", 2)], deduplicate=False)
    assert await compact(judged, LOCAL, EVERYTHING) == 2
    (kept,) = {"a", "b"} & set(await current(judged))
    (gone,) = {"a", "b"} - {kept}
    assert (await records(judged, gone))[gone].superseded_by == kept
    assert {one.id for one in await history(judged, LOCAL, kept)} == {"a", "b"}

"""What the background work of a conversation asks of a chat model: few questions, the same size in a long session, and
no text embedded twice. Real workers; the time of the clock alone is made up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from agent_memory_server.interfaces.worker.background import background
from agent_memory_server.interfaces.worker.upkeep import Pace
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.window import Window
from tests.operations.given import NOW, FailingEmbedder, SettableClock, append, turn
from tests.support.chat_service import ChatService, chat_service, model_of
from tests.support.jobs import QUICK, queue_of
from tests.support.pipeline import at_rest, playing
from tests.support.rest import application
from tests.support.waiting import until

SAID = "I have seen the {n}th of the houses that my sister wrote about, and it was larger than the one before"
PACE = Pace(gather_s=0.0, owed_s=0.02, stored_s=0.0, access_s=3600)
AFTERWARDS = 20
"""Steps of ten seconds for the work to end in, after the last turn."""


async def settled(app: Application) -> None:
    # Once more: what a job did may ring, and a ring may queue a job.
    for _ in range(2):
        await until(lambda: at_rest(app))


async def converse(app: Application, clock: SettableClock, turns: Sequence[int], *, apart_s: float) -> None:
    """A user's message and an answer in each turn; the work that comes due is done before the next one."""
    for n in turns:
        said = [turn(f"u{n}", SAID.format(n=n), created_at=clock.now)]
        said.append(turn(f"a{n}", f"Well, tell me more about the {n}th.", role="assistant", created_at=clock.now))
        await append(app, *said, window=Window(max_tokens=2000))
        clock.now += apart_s
        await settled(app)


async def let_rest(app: Application, clock: SettableClock) -> None:
    for _ in range(AFTERWARDS):
        clock.now += 10
        await settled(app)


@asynccontextmanager
async def conversation(
    folder: Path, clock: SettableClock, embedder: FailingEmbedder
) -> AsyncIterator[tuple[Application, ChatService]]:
    rules = Options(duplicate_distance=2.0)  # each memory is near every other one: the most that merging can cost
    with chat_service() as service:
        service.answer(playing)
        model = model_of(service)
        async with AsyncExitStack() as stack:
            opening = application(folder, clock=clock, embedder=embedder, rules=rules, chat=model)
            app = await stack.enter_async_context(opening)
            options = replace(QUICK, sweep_every_s=0.5)
            await stack.enter_async_context(background(app, queue_of(app), options, pace=PACE))
            yield app, service
        await model.close()


def purposes(service: ChatService) -> dict[str, int]:
    found: dict[str, int] = {}
    for asked in service.asked:
        members = (asked.schema or {}).get("properties", {"summary": None})
        name = next(iter(members))
        found[name] = found.get(name, 0) + 1
    return found


async def test_ten_turns_five_seconds_apart_take_few_questions_and_no_text_is_embedded_twice(tmp_path: Path) -> None:
    clock, embedder = SettableClock(NOW), FailingEmbedder()
    async with conversation(tmp_path, clock, embedder) as (app, service):
        await converse(app, clock, range(10), apart_s=5.0)
        await let_rest(app, clock)
        asked = purposes(service)
        assert asked.keys() >= {"memories", "pairs"}
        assert sum(asked.values()) <= 1.2 * 10
    texts = [text for call in embedder.calls for text in call]
    assert len(texts) == len(set(texts)) == 30  # ten messages, ten answers, ten memories


async def test_a_turn_asks_as_much_at_the_tenth_as_at_the_two_hundredth(tmp_path: Path) -> None:
    clock, embedder = SettableClock(NOW), FailingEmbedder()
    spent = []
    async with conversation(tmp_path, clock, embedder) as (app, service):
        for turns in (range(10), range(10, 40), range(40, 170), range(170, 200)):
            before = (service.prompt_tokens, len(service.asked))
            # Far enough apart that each turn is read for itself, which is the most that it can cost.
            await converse(app, clock, turns, apart_s=45.0)
            tokens, questions = service.prompt_tokens - before[0], len(service.asked) - before[1]
            spent.append((tokens / len(turns), questions / len(turns)))
        assert purposes(service)["summary"] > 2
    (early, _), (late, _) = spent[1], spent[3]
    assert late <= 1.2 * early, spent

"""What is owed is done in the end, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import Mode
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import list_sessions
from agent_memory_server.operations.health import readiness
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.postponed import Postponed
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.operations.search import Question, search
from agent_memory_server.operations.upkeep import EMBED_AT_ONCE, embed_owed, forget_by_policy, purge_expired
from agent_memory_server.ports.idempotency import KeptAnswer
from tests.operations.given import NOW, FailingEmbedder, SettableClock, append, embed_everything, memory, put, turn
from tests.support.rest import application


async def test_every_message_appended_beside_upkeep_is_kept_and_gets_its_vector(app: Application) -> None:
    writing = True

    async def upkeep() -> None:
        while writing:
            await embed_owed(app)
            await asyncio.sleep(0)

    async def talk(task: int) -> None:
        for n in range(10):
            await append(app, turn(f"{task}-{n}", f"word{task} number{n}"), key=SessionKey("", f"u{task % 3}", "chat"))

    background = asyncio.ensure_future(upkeep())
    await asyncio.gather(*(talk(task) for task in range(20)))
    writing = False
    await background
    await embed_everything(app)
    page = await app.memories.list(LOCAL.scope, EVERYTHING, limit=1000)
    assert {each.id for each in page.memories} == {f"{task}-{n}" for task in range(20) for n in range(10)}
    assert (await app.memories.stats()).unembedded == 0
    for task in range(20):
        found = await search(app, LOCAL, Question(text=f"user: word{task} number7", mode=Mode.SEMANTIC, limit=1))
        assert [hit.memory.id for hit in found.hits] == [f"{task}-7"]
        assert not found.degraded
        assert found.hits[0].dist == pytest.approx(0.0, abs=1e-6)


async def test_more_than_one_batch_is_embedded(app: Application) -> None:
    await append(app, *(turn(str(n)) for n in range(EMBED_AT_ONCE + 1)))
    assert [bool(await embed_owed(app)) for _ in range(3)] == [True, True, False]


async def test_a_text_the_model_refuses_holds_up_no_other(tmp_path: Path) -> None:
    embedder = FailingEmbedder(refused=("poison",))
    async with application(tmp_path, embedder=embedder) as app:
        await append(app, turn("1", "a zebra"), turn("2", "poison"), turn("3", "a giraffe"))
        await embed_everything(app)
        found = await search(app, LOCAL, Question(text="user: a giraffe", limit=1))
        assert ([hit.memory.id for hit in found.hits], found.degraded) == (["3"], ())
        by_words = await search(app, LOCAL, Question(text="poison", mode=Mode.KEYWORD))
        assert [hit.memory.id for hit in by_words.hits] == ["2"]


async def test_what_was_embedded_before_the_model_failed_is_kept(tmp_path: Path) -> None:
    class FailsAtTheThird(FailingEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if any("third" in text for text in texts) and len(texts) == 1:
                raise Unavailable("too many requests")
            return await super().embed(texts)

    embedder = FailsAtTheThird(refused=("poison",))
    async with application(tmp_path, embedder=embedder) as app:
        await append(app, *(turn(str(n), content) for n, content in enumerate(["poison", "second", "third"])))
        await embed_owed(app)
        assert [owed.id for owed in await app.memories.owed_embeddings(limit=9)] == ["2"]


class FailsOn(FailingEmbedder):
    """Unavailable whenever a text of bad ones is among those it is given."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any("bad" in text for text in texts):
            self.calls.append(list(texts))
            raise Unavailable("the service timed out")
        return await super().embed(texts)


def tried(embedder: FailingEmbedder, word: str) -> int:
    return sum(any(word in text for text in texts) for texts in embedder.calls)


async def test_a_text_that_a_service_always_fails_on_holds_up_no_other_and_is_tried_less_and_less(
    tmp_path: Path, clock: SettableClock
) -> None:
    embedder, postponed = FailsOn(), Postponed()
    async with application(tmp_path, embedder=embedder, clock=clock) as app:
        await append(app, turn("!bad", "bad"), *(turn(str(n), f"zebra {n}") for n in range(2 * EMBED_AT_ONCE)))
        while await embed_owed(app, postponed):
            assert len(embedder.calls) < 1000
        assert [owed.id for owed in await app.memories.owed_embeddings(limit=9)] == ["!bad"]
        for pause_s in (30, 60, 120):
            before = tried(embedder, "bad")
            clock.now += pause_s - 1
            await append(app, turn(f"later-{pause_s}", "giraffe"))
            assert await embed_owed(app, postponed) == 1
            assert tried(embedder, "bad") == before
            clock.now += 1
            assert await embed_owed(app, postponed) == 1
            assert await embed_owed(app, postponed) == 0
            assert tried(embedder, "bad") > before
        assert [owed.id for owed in await app.memories.owed_embeddings(limit=9)] == ["!bad"]


async def test_a_text_that_was_postponed_is_tried_at_once_when_it_changes(tmp_path: Path, clock: SettableClock) -> None:
    embedder, postponed = FailsOn(), Postponed()
    async with application(tmp_path, embedder=embedder, clock=clock) as app:
        await remember(app, LOCAL, [memory("k", "bad"), memory("l", "zebra")])
        await embed_owed(app, postponed)
        assert await embed_owed(app, postponed) == 0
        embedder.down = True
        await revise(app, LOCAL, "k", {"text": "good"})
        embedder.down = False
        await embed_owed(app, postponed)
        assert "good" not in [owed.text for owed in await app.memories.owed_embeddings(limit=9)]


async def test_an_outage_postpones_nothing(tmp_path: Path, clock: SettableClock) -> None:
    embedder, postponed = FailingEmbedder(down=True), Postponed()
    async with application(tmp_path, embedder=embedder, clock=clock) as app:
        await append(app, *(turn(str(n), f"zebra {n}") for n in range(10)))
        for _ in range(5):
            calls = len(embedder.calls)
            with pytest.raises(Unavailable):
                await embed_owed(app, postponed)
            assert len(embedder.calls) - calls <= 4  # the batch, and three texts of it
        embedder.down = False
        assert await embed_owed(app, postponed) == 10
        assert (await app.memories.stats()).unembedded == 0


async def test_a_model_that_sleeps_delays_the_work_and_loses_none(tmp_path: Path) -> None:
    embedder = FailingEmbedder(down=True)
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory("k", "zebra")])
        with pytest.raises(Unavailable):
            await embed_owed(app)
        embedder.down = False
        await embed_everything(app)
        assert (await app.memories.stats()).unembedded == 0


async def test_a_vector_of_a_text_that_changed_meanwhile_is_not_stored(tmp_path: Path) -> None:
    class ChangesTheText(FailingEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            vectors = await super().embed(texts)
            if list(texts) == ["zebra"]:
                self.down = True
                await revise(app, LOCAL, "k", {"text": "giraffe"})
                self.down = False
            return vectors

    embedder = ChangesTheText(down=True)
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory("k", "zebra")])
        embedder.down = False
        assert await embed_owed(app)
        assert "giraffe" in [owed.text for owed in await app.memories.owed_embeddings(limit=9)]
        await embed_everything(app)
        (hit,) = (await search(app, LOCAL, Question(text="giraffe"))).hits
        assert hit.dist == pytest.approx(0.0, abs=1e-6)


async def test_all_expired_sessions_and_answers_are_purged(app: Application, clock: SettableClock) -> None:
    for n in range(1050):
        await app.sessions.append(LOCAL.scope, SessionKey("", "", str(n)), (), now=NOW, ttl_seconds=10)
    await put(app, turn("1"))
    answer = KeptAnswer(request_digest="d", status=200, body=b"")
    await app.answers.keep("s", "k", answer, now=NOW, expires_at=NOW + 10)
    clock.now += 10
    assert await purge_expired(app) == 1051
    assert await purge_expired(app) == 0
    assert (await list_sessions(app, LOCAL, namespace=None, user_id=None, limit=9, offset=0)).total == 1


async def test_the_configured_policy_is_applied_to_everything(tmp_path: Path) -> None:
    rules = Options(forgetting=RetentionPolicy(max_age_days=1))
    async with application(tmp_path, rules=rules, clock=SettableClock(NOW)) as app:
        old: dict[str, Any] = {"created_at": NOW - 90_000, "last_accessed": NOW - 90_000, "updated_at": NOW - 90_000}
        await remember(app, LOCAL, [memory("a", user_id="ana", **old), memory("b", namespace="n", **old), memory("c")])
        forgotten = await forget_by_policy(app)
        assert forgotten is not None
        assert sorted(forgotten.ids) == ["a", "b"]
    async with application(tmp_path) as app:
        assert await forget_by_policy(app) is None


async def test_readiness_tells_which_part_does_not_work(tmp_path: Path) -> None:
    embedder = FailingEmbedder()
    async with application(tmp_path, embedder=embedder) as app:
        assert [part.name for part in await readiness(app) if not part.ok] == ["workers"]  # none runs here
        embedder.down = True
        parts = {part.name: part for part in await readiness(app)}
        assert (parts["store"].ok, parts["store"].needed) == (True, True)
        assert (parts["embedder"].ok, parts["embedder"].needed) == (False, False)
        assert parts["embedder"].reason == "the model sleeps"

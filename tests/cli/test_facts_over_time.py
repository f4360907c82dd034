"""Over REST, with processes as they are run: paraphrases and their contradiction end as one memory with a history, and
facts that differ stay as many, by rules with the local embedding model and with a chat model, inline and with a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from tests.operations.test_consolidate import PARAPHRASES as BY_RULES
from tests.operations.test_consolidate_by_model import GIVEN_UP, about_tea, judging
from tests.operations.test_consolidate_by_model import PARAPHRASES as BY_MODEL
from tests.support.chat_service import Asked, ChatService, Given, chat_service
from tests.support.chosen_engine import on_a_folder
from tests.support.processes import serving, working

LONGEST_S = 180.0
MEMORIES = "/v1/long-term-memory/"
NEAR = [
    ("User is allergic to peanuts, not milk.", "User is not allergic to peanuts, milk."),
    ("User takes 50 mg aspirin daily.", "User takes 50 g aspirin daily."),
    ("User takes 1/2 pill daily.", "User takes 12 pills daily."),
    ("User owes Ann $5.", "User owes Ann €5."),
    ("User runs Python 3.11.11.", "User runs Python 3.11."),
    ("User codes in C.", "User codes in C++."),
    ("Ann likes Bob.", "Bob likes Ann."),
    ("Ann lives in Rome, Bob in Oslo.", "Ann lives in Oslo, Bob in Rome."),
    ("User flew from Rome to Oslo.", "User flew from Oslo to Rome."),
    ("User prefers tea to coffee.", "User prefers coffee to tea."),
    ("User met Ann on 2024-05-01.", "User met Ann on 2024-01-05."),
    ("User has 3 cats and 2 dogs.", "User has 2 cats and 3 dogs."),
    ("User smoked in 2019.", "User smokes in 2019."),
    ("User's sister is called Anne.", "User's sister is called Ann."),
    ("User must take aspirin.", "User may take aspirin."),
    ("User likes dogs.", "User fears dogs."),
    ("User eats lunch before noon.", "User eats lunch after noon."),
    ("User walks 5 km a day.", "User walks 5 miles a day."),
    ("User's locker 12 has the code 34.", "User's locker 34 has the code 12."),
    ("User asked Ann not to go.", "User did not ask Ann to go."),
]
"""Pairs of facts with nearly the same words."""

DISTINCT = [
    *(text for pair in NEAR for text in pair),
    *(f"User's locker {n} has the code {n * 37}." for n in range(100, 180)),
    *(f"User met Eva on 2023-05-{day:02}." for day in range(1, 29)),
    *(f"User has a friend called {name}." for name in "Eva Bob Tom Kim Max Leo Mia Ida Jon Ben Lea Pia".split()),
    *(f"User's favourite thing{n} is thing{n}1." for n in range(40)),
]


def scripted(asked: Asked) -> Given:
    """A model that knows the paraphrases, and calls everything else the same."""

    def judge(one: str, other: str) -> tuple[str, str]:
        tea = {*BY_MODEL, GIVEN_UP}
        return about_tea(one, other) if {one, other} & tea else ("same", one)

    wanted = (asked.schema or {}).get("properties", {})
    return judging(judge)(asked) if "pairs" in wanted else {name: [] for name in wanted}


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        running.answer(scripted)
        yield running


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Upkeep steps back for others, so on a busy machine two hundred comparisons take a while."""
    async with asyncio.timeout(LONGEST_S):
        while not await condition():  # noqa: ASYNC110 - the condition is asked of a server, which rings no bell
            await asyncio.sleep(0.2)


def facts(texts: list[str], prefix: str, **place: str) -> list[dict[str, Any]]:
    labels = {"topics": ["t"], "entities": ["e"]}
    return [{"id": f"{prefix}{n}", "text": text, **labels, **place} for n, text in enumerate(texts)]


def create(http: httpx2.Client, memories: list[dict[str, Any]]) -> None:
    for start in range(0, len(memories), 100):
        body = {"memories": memories[start : start + 100]}
        http.post(MEMORIES, json=body).raise_for_status()


def current(http: httpx2.Client, **place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor is not None or not found:
        query: dict[str, str | int] = {"limit": 100, **place, **({"cursor": cursor} if cursor else {})}
        page = http.get("/v1/long-term-memory", params=query).raise_for_status().json()
        found += page["memories"]
        cursor = page["next_cursor"]
        if not page["memories"]:
            break
    return found


@dataclass(frozen=True)
class Setting:
    """What a server and, maybe, a worker run with."""

    folder: Path
    env: dict[str, str]
    by_worker: bool
    paraphrases: list[str]
    denial: str

    @contextmanager
    def running(self) -> Iterator[httpx2.Client]:
        backend = "docket" if self.by_worker else "asyncio"
        with ExitStack() as stack:
            server = stack.enter_context(serving(self.folder, "--task-backend", backend, env=self.env))
            if self.by_worker:
                stack.enter_context(working(self.folder, env=self.env))
            yield stack.enter_context(server.client())

    async def until_ana_has(self, http: httpx2.Client, wanted: Callable[[list[str]], bool]) -> str:
        """Compared by the worker, or by compaction; the id of the first of her memories."""

        async def holds() -> bool:
            if not self.by_worker:
                http.post("/v1/long-term-memory/compact").raise_for_status()
            return wanted([one["id"] for one in current(http, user_id="ana")])

        await until(holds)
        return str(current(http, user_id="ana")[0]["id"])


@pytest.fixture
def setting(tmp_path: Path, service: ChatService, request: pytest.FixtureRequest) -> Setting:
    engine, by_worker, by_model = request.param
    env = {"EMBEDDING_MODEL": "", "MEMORY_DATA_DIR": str(tmp_path / "data")}  # the local model
    if engine == "redis":
        env["REDIS_URL"] = request.getfixturevalue("redis_url")
        with redis.Redis.from_url(env["REDIS_URL"]) as store:
            store.flushall()
    if not by_model:
        return Setting(tmp_path / "data", env, by_worker, BY_RULES, "User does not like green tea.")
    env |= {"OPENAI_API_BASE": service.url, "OPENAI_API_KEY": "key", "FAST_MODEL": "openai/some-model"}
    env["DEDUPLICATION_DISTANCE_THRESHOLD"] = "1"
    return Setting(tmp_path / "data", env, by_worker, BY_MODEL, GIVEN_UP)


ELSEWHERE: list[dict[str, str]] = [{"user_id": "tom", "namespace": "a"}, {"user_id": "eva", "namespace": "b"}]


@on_a_folder
@pytest.mark.parametrize(
    "setting",
    [("sqlite", False, False), ("sqlite", True, True), ("redis", False, True), ("redis", True, False)],
    ids=["sqlite-inline-rules", "sqlite-worker-model", "redis-inline-model", "redis-worker-rules"],
    indirect=True,
)
async def test_facts_are_brought_together_and_kept_apart(setting: Setting) -> None:
    with setting.running() as http:
        create(http, facts(setting.paraphrases, "p", user_id="ana", namespace="a"))
        create(http, facts(DISTINCT, "d", user_id="eva", namespace="a"))
        for n, place in enumerate(ELSEWHERE):
            create(http, facts([DISTINCT[0], BY_RULES[0]], f"other{n}-", **place))
        tea = await setting.until_ana_has(http, lambda ids: len(ids) == 1)
        create(http, facts([setting.denial], "no", user_id="ana", namespace="a"))
        await setting.until_ana_has(http, lambda ids: ids == ["no0"])
        history = http.get("/v1/long-term-memory/no0/history").raise_for_status().json()
        assert {one["id"] for one in history["versions"]} >= {f"p{n}" for n in range(10)}
        gone = http.get(f"/v1/long-term-memory/{tea}").raise_for_status().json()
        assert (gone["superseded_by"], gone["superseded_because"]) == ("no0", "contradicted")
        decided = http.get("/v1/decisions", params={"memory_id": tea, "outcome": "done"}).json()["decisions"]
        assert {one["reason"] for one in decided} == {"same", "contradicted"}
        # The denial was compared after all that had been stored before it.
        kept = {one["text"] for one in current(http, user_id="eva", namespace="a")}
        assert len(DISTINCT) == 200
        assert kept == set(DISTINCT)
        assert [len(current(http, **place)) for place in ELSEWHERE] == [2, 2]

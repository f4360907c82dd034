"""Promise 1: what was acknowledged survives kill -9, and what was deleted stays deleted.

A real server is killed again and again while several clients write through REST. Each client writes down what it is
about to ask for and what was acknowledged. After each restart on the same folder the server must agree: an acknowledged
write is there, a request that was cut off happened as a whole or not at all.
"""

from __future__ import annotations

import os
import random
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import httpx2

from tests.support.chosen_engine import ON_REDIS
from tests.support.processes import BOUND_S, Server, serving

KILLS = int(os.environ.get("DURABILITY_KILLS", "20"))
WRITERS = 4
MOST_WRITES = 60
GONE = None


@dataclass(slots=True)
class Record:
    """What a memory may hold now: one text, or several while a request that was cut off is unsettled. GONE: deleted."""

    possible: set[str | None]


@dataclass(slots=True)
class Ledger:
    """What one client asked for. Only its own thread writes it."""

    name: str
    records: dict[str, Record] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)


class Writers:
    """Clients that write until the server is gone."""

    def __init__(self, server: Server, ledgers: list[Ledger], seed: int) -> None:
        self._acknowledged = 0
        self._enough = threading.Condition()
        self._faults: list[str] = []
        self._threads = [
            threading.Thread(target=self._write, args=(server, ledger, random.Random(f"{seed} {ledger.name}")))
            for ledger in ledgers
        ]

    def run_until(self, writes: int, then: Callable[[], None]) -> None:
        """Start, wait for that many acknowledged writes in all, call `then` while writing goes on, wait for the end."""
        for thread in self._threads:
            thread.start()
        with self._enough:
            reached = self._enough.wait_for(lambda: self._acknowledged >= writes or self._faults, BOUND_S)
        then()
        for thread in self._threads:
            thread.join(BOUND_S)
        assert self._faults == []
        assert reached, "the server stopped acknowledging writes"

    def _write(self, server: Server, ledger: Ledger, chance: random.Random) -> None:
        with server.client() as http, suppress(httpx2.TransportError):
            while True:
                answer = step(http, ledger, chance)
                with self._enough:
                    if answer.is_success:
                        self._acknowledged += 1
                    else:
                        self._faults.append(f"{answer.status_code} {answer.text}")
                    self._enough.notify()
                if not answer.is_success:
                    return


def step(http: httpx2.Client, ledger: Ledger, chance: random.Random) -> httpx2.Response:
    """One request; the ledger knows of it before it is sent, and settles it after the answer."""
    alive = [id_ for id_, record in ledger.records.items() if record.possible != {GONE}]
    action = chance.choices([create, append, change, delete], weights=[5, 3, 2 * bool(alive), 2 * bool(alive)])[0]
    return action(http, ledger, chance.choice(alive) if alive else "")


def wording() -> str:
    """A text of ten words, the second of which no other text holds."""
    return f"note q{uuid.uuid4().hex} {' '.join(f'w{os.urandom(3).hex()}' for _ in range(8))}"


def create(http: httpx2.Client, ledger: Ledger, _: str) -> httpx2.Response:
    texts = {f"{ledger.name}-{uuid.uuid4().hex}": wording() for _ in range(3)}
    for id_, text in texts.items():
        ledger.records[id_] = Record({GONE, text})
    ledger.touched |= texts.keys()
    memories = [{"id": id_, "text": text, "user_id": ledger.name} for id_, text in texts.items()]
    answer = http.post("/v1/long-term-memory/", json={"memories": memories})
    if answer.is_success:
        for id_, text in texts.items():
            ledger.records[id_].possible = {text}
    return answer


def change(http: httpx2.Client, ledger: Ledger, id_: str) -> httpx2.Response:
    text = wording()
    ledger.records[id_].possible.add(text)
    ledger.touched.add(id_)
    answer = http.patch(f"/v1/long-term-memory/{id_}", json={"text": text})
    if answer.is_success:
        ledger.records[id_].possible = {text}
    return answer


def delete(http: httpx2.Client, ledger: Ledger, id_: str) -> httpx2.Response:
    ledger.records[id_].possible.add(GONE)
    ledger.touched.add(id_)
    answer = http.delete("/v1/long-term-memory", params={"memory_ids": [id_]})
    if answer.is_success:
        ledger.records[id_].possible = {GONE}
    return answer


def append(http: httpx2.Client, ledger: Ledger, _: str) -> httpx2.Response:
    id_ = uuid.uuid4().hex
    ledger.unsettled.add(id_)
    message = {"id": id_, "role": "user", "content": wording(), "created_at": "2026-01-01T00:00:00Z"}
    body = {"user_id": ledger.name, "messages": [message]}
    answer = http.post(f"/v1/working-memory/{ledger.name}/messages", json=body)
    if answer.is_success:
        ledger.unsettled.discard(id_)
        ledger.messages.append(id_)
    return answer


def settle(http: httpx2.Client, ledger: Ledger, *, everything: bool) -> None:
    """Compare the server with the ledger, and settle what was unsettled by what the server says."""
    for id_ in list(ledger.records if everything else ledger.touched):
        record = ledger.records[id_]
        answer = http.get(f"/v1/long-term-memory/{id_}")
        assert answer.status_code in (200, 404), answer.text
        now = answer.json()["text"] if answer.is_success else GONE
        assert now in record.possible, f"{id_} holds {now!r}, which was never acknowledged as its last state"
        for text in record.possible - {GONE}:
            assert found_by_word(http, str(text)) == ([id_] if text == now else []), f"{id_} and its index disagree"
        record.possible = {now}
    ledger.touched.clear()
    answer = http.get(f"/v1/working-memory/{ledger.name}", params={"user_id": ledger.name})
    stored = [message["id"] for message in answer.json()["messages"]] if answer.is_success else []
    assert [id_ for id_ in stored if id_ not in ledger.unsettled] == ledger.messages
    ledger.messages = stored
    ledger.unsettled.clear()


def found_by_word(http: httpx2.Client, text: str) -> list[str]:
    query = {"text": text.split()[1], "search_mode": "keyword", "memory_type": {"eq": "semantic"}}
    answer = http.post("/v1/long-term-memory/search", json=query).raise_for_status()
    return [memory["id"] for memory in answer.json()["memories"]]


def check_meaning(http: httpx2.Client, ledgers: list[Ledger], chance: random.Random) -> None:
    """A sample of what is stored is the nearest to its own words by vector too."""
    stored = [(id_, text) for ledger in ledgers for id_, record in ledger.records.items() for text in record.possible]
    alive = [(id_, text) for id_, text in stored if text is not GONE]
    for id_, text in chance.sample(alive, min(50, len(alive))):
        answer = http.post("/v1/long-term-memory/search", json={"text": text, "limit": 1}).raise_for_status()
        assert [memory["id"] for memory in answer.json()["memories"]] == [id_]
        assert "degraded" not in answer.json()


def test_acknowledged_writes_survive_kill_9_and_deleted_ones_stay_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    chance = random.Random(20260101)
    ledgers = [Ledger(f"writer{number}") for number in range(WRITERS)]
    for kill in range(KILLS):
        with serving(folder) as server:
            with server.client() as http:
                for ledger in ledgers:
                    settle(http, ledger, everything=False)
            Writers(server, ledgers, seed=kill).run_until(chance.randint(1, MOST_WRITES), then=server.kill)
    with serving(folder) as server, server.client() as http:
        for ledger in ledgers:
            settle(http, ledger, everything=True)
        check_meaning(http, ledgers, chance)
        assert server.stop() == 0
    assert sum(len(ledger.records) for ledger in ledgers) > KILLS
    if not ON_REDIS:
        connection = apsw.Connection(str(folder / "memory.db"))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()

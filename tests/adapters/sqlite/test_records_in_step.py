"""Whatever is done to records, in whatever order, every table that follows them says the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent_memory_server.adapters.sqlite.rebuild import rebuild
from agent_memory_server.adapters.sqlite.record_writer import (
    delete_records,
    put_records,
    set_vectors,
    stored_memories,
    touch_records,
    update_record,
)
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.ports.memory_store import PutStatus
from tests.adapters.sqlite.records import NOW, check_in_step, open_file, rows, transaction, write

ids = st.sampled_from(["a", "b", "c", "d"])
places = st.fixed_dictionaries(
    {
        "namespace": st.sampled_from(["", "n1", "n2"]),
        "user_id": st.sampled_from(["", "u1"]),
        "session_id": st.sampled_from(["", "s"]),
        "topics": st.lists(st.sampled_from(["x", "y", ""]), unique=True, max_size=3).map(tuple),
        "entities": st.lists(st.sampled_from(["x", "z"]), unique=True, max_size=2).map(tuple),
    }
)
contents = st.sampled_from(["tea", "green tea at noon", "", "the", "日本のお茶", 'quo"ted AND -x', "coffee coffee"])
writes = st.builds(
    lambda id_, text, vector, place: write(id_, text, vector=vector, **place), ids, contents, st.booleans(), places
)


class Records(RuleBasedStateMachine):
    """Random changes against a plain dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.connection = open_file(Path(self.folder.name))
        self.model: dict[str, Memory] = {}
        self.ever_used: set[int] = set()

    @rule(batch=st.lists(writes, min_size=1, max_size=4), deduplicate=st.booleans())
    def put(self, batch: list, deduplicate: bool) -> None:  # type: ignore[type-arg]
        with transaction(self.connection):
            results = put_records(self.connection, EVERYWHERE, batch, now=NOW, deduplicate=deduplicate)
        for one, result in zip(batch, results, strict=True):
            if result.status is not PutStatus.DUPLICATE:
                had = self.model.get(result.id)
                assert (result.status is PutStatus.REPLACED) == (had is not None)
                self.model[result.id] = replace(one.memory, revision=had.revision + 1 if had else 1)
            assert result.id in self.model
            assert self.model[result.id].text == one.memory.text

    @rule(change=writes, text_changed=st.booleans())
    def update(self, change, text_changed: bool) -> None:  # type: ignore[no-untyped-def]
        had = self.model.get(change.memory.id)
        if had is None:
            return
        with transaction(self.connection):
            newer = update_record(
                self.connection,
                EVERYWHERE,
                change.memory,
                if_revision=had.revision,
                vector=change.vector,
                text_changed=text_changed or change.memory.text != had.text,
            )
        self.model[newer.id] = replace(change.memory, revision=had.revision + 1)

    @rule(doomed=st.lists(ids, max_size=3))
    def delete(self, doomed: list[str]) -> None:
        with transaction(self.connection):
            assert delete_records(self.connection, EVERYWHERE, doomed) == len(set(doomed) & set(self.model))
        self.model = {id_: memory for id_, memory in self.model.items() if id_ not in doomed}

    @rule(id_=ids, stale=st.booleans())
    def embed(self, id_: str, stale: bool) -> None:
        vector = write(id_).vector
        assert vector is not None
        had = self.model.get(id_)
        revision = had.revision - stale if had else 1
        with transaction(self.connection):
            assert set_vectors(self.connection, [(id_, revision, vector)]) == (had is not None and not stale)

    @rule(id_=ids)
    def touch(self, id_: str) -> None:
        seq = rows(self.connection, "SELECT value FROM meta WHERE key = 'seq'")
        with transaction(self.connection):
            touch_records(self.connection, EVERYWHERE, [id_], at=NOW + 1000)
        assert rows(self.connection, "SELECT value FROM meta WHERE key = 'seq'") == seq

    @rule()
    def undone(self) -> None:
        """A change that fails leaves nothing behind."""
        self.connection.execute("BEGIN IMMEDIATE")
        put_records(self.connection, EVERYWHERE, [write("e", "gone", namespace="n3")], now=NOW)
        delete_records(self.connection, EVERYWHERE, list(self.model))
        self.connection.execute("ROLLBACK")

    @rule()
    def rebuilt(self) -> None:
        before = sorted(rows(self.connection, "SELECT rid, w FROM words"))
        list(rebuild(self.connection))
        assert sorted(rows(self.connection, "SELECT rid, w FROM words")) == before

    @invariant()
    def everything_is_in_step(self) -> None:
        check_in_step(self.connection)

    @invariant()
    def the_records_are_those_that_were_put(self) -> None:
        stored = {
            memory.id: memory for memory in stored_memories(self.connection, EVERYWHERE, ["a", "b", "c", "d", "e"])
        }
        assert set(stored) == set(self.model)
        for id_, expected in self.model.items():
            found = stored[id_]
            assert (found.text, found.namespace, found.user_id, found.session_id, found.topics, found.revision) == (
                expected.text, expected.namespace, expected.user_id, expected.session_id, expected.topics,
                expected.revision,
            )  # fmt: skip

    @invariant()
    def no_row_id_comes_back(self) -> None:
        buried = set(rows(self.connection, "SELECT rid FROM tombstones"))
        assert not buried & set(rows(self.connection, "SELECT rid FROM memories"))

    def teardown(self) -> None:
        self.connection.close()
        self.folder.cleanup()


TestRecords = Records.TestCase
TestRecords.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)

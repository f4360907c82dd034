"""Which words decide that a record matches a wide search, and which count for its score."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest

from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.keyword import among_few
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.record_change import RecordChange
from agent_memory_server.adapters.sqlite.scopes import ALL_RIDS, Selected
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Term
from agent_memory_server.domain.ranking import COMMON_SHARE, WIDE_ROWS

TEXTS = {"both": "quokka tea", "rare": "quokka coffee", "common": "tea coffee"}


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    opened = open_writer(tmp_path / "memory.db", dimensions=4, durability="normal")
    migrate(opened)
    change = RecordChange(opened)
    for id_, text in TEXTS.items():
        change.insert(Memory(id=id_, text=text, created_at=1, updated_at=1, last_accessed=1, memory_hash=id_), None)
    change.finish()
    return opened


def test_a_common_word_of_a_wide_search_finds_nothing_alone_and_still_counts(connection: apsw.Connection) -> None:
    ids = dict(connection.execute("SELECT rid, id FROM memories ORDER BY rid"))
    rows = WIDE_ROWS * 5
    wide = Selected(None, (ALL_RIDS,), rows, rows * 2, EVERYTHING)
    frequencies = [2, int(rows * COMMON_SHARE) + 1]
    terms = (Term(("quokka",)), Term(("tea",)))
    found = among_few(connection, wide, terms, np.array(list(ids), np.int64), 10, frequencies)
    assert found.total == 2
    assert [ids[rid] for rid in found.arm.keys.tolist()] == ["both", "rare"]
    assert found.arm.scores[0] > found.arm.scores[1]

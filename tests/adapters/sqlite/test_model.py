"""A data folder keeps to the embedding model and the tokeniser it was filled with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from agent_memory_server.adapters.sqlite.model import claim_model, stored_model
from agent_memory_server.adapters.sqlite.rebuild import forget_vectors, rebuild
from agent_memory_server.adapters.sqlite.record_writer import owed_embeddings, put_records
from agent_memory_server.domain.errors import StartRefused, Unavailable
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.adapters.sqlite.records import DIMENSIONS, NOW, check_in_step, open_file, rows, transaction, write


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path)
    yield connection
    connection.close()


def _claim(connection: apsw.Connection, model: str, dimensions: int = DIMENSIONS) -> None:
    with transaction(connection):
        claim_model(connection, model, dimensions)


def _put(connection: apsw.Connection, *writes: MemoryWrite) -> None:
    with transaction(connection):
        put_records(connection, EVERYWHERE, writes, now=NOW)


def test_the_first_model_is_kept_and_the_same_one_opens_again(connection: apsw.Connection) -> None:
    _claim(connection, "small")
    _put(connection, write("a"))
    _claim(connection, "small")
    assert stored_model(connection) == StoredModel("small", DIMENSIONS)


@pytest.mark.parametrize(("model", "dimensions"), [("large", DIMENSIONS), ("small", DIMENSIONS + 1)])
def test_another_model_is_refused_and_both_are_named_with_the_remedy(
    connection: apsw.Connection, model: str, dimensions: int
) -> None:
    _claim(connection, "small")
    _put(connection, write("a"))
    with pytest.raises(StartRefused, match=rf"of small .*for {model} .*EMBEDDING_MODEL=small.*--re-embed"):
        _claim(connection, model, dimensions)


def test_a_folder_without_vectors_takes_another_model(connection: apsw.Connection) -> None:
    _claim(connection, "small")
    _put(connection, write("a", vector=False))
    _claim(connection, "large", 3)
    assert stored_model(connection) == StoredModel("large", 3)


def test_a_vector_of_other_dimensions_is_never_stored(connection: apsw.Connection) -> None:
    _claim(connection, "small")
    odd = MemoryWrite(memory=write("a").memory, vector=np.ones(DIMENSIONS + 1, dtype=np.float32))
    with pytest.raises(Unavailable, match=f"{DIMENSIONS} dimensions and this process makes {DIMENSIONS + 1}"):
        _put(connection, odd)
    assert rows(connection, "SELECT id FROM memories") == []


def test_words_of_another_tokeniser_are_refused_until_they_are_indexed_anew(connection: apsw.Connection) -> None:
    _claim(connection, "small")
    _put(connection, write("a"))
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'words_version'")
    with pytest.raises(StartRefused, match=r"version 0 .*rebuild-index"):
        _claim(connection, "small")
    list(rebuild(connection))
    _claim(connection, "small")


def test_forgetting_vectors_owes_every_embedding_to_the_new_model(connection: apsw.Connection) -> None:
    _claim(connection, "small")
    _put(connection, *(write(f"{n}") for n in range(5)))
    with transaction(connection):
        assert forget_vectors(connection, "large", 3) == 5
    assert stored_model(connection) == StoredModel("large", 3)
    assert len(owed_embeddings(connection, 10)) == 5
    assert rows(connection, "SELECT value FROM meta WHERE key = 'pruned_to'") == rows(
        connection, "SELECT value FROM meta WHERE key = 'seq'"
    )
    check_in_step(connection)

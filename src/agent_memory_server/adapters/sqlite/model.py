"""What the stored vectors and words were made with, so that nothing is compared that cannot be compared."""

from __future__ import annotations

import apsw

from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.domain import words
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.domain.stored_model import StoredModel


def stored_model(connection: apsw.Connection) -> StoredModel | None:
    """The model of the data folder; None before the first claim."""
    found = dict(fetch(connection, queries("model")["stored"]))
    if "embedding_model" not in found or "dimensions" not in found:
        return None
    return StoredModel(found["embedding_model"], found["dimensions"])


def store_model(connection: apsw.Connection, model: StoredModel) -> None:
    """Note the model that vectors are made with from now on. Inside a write transaction."""
    values = [("embedding_model", model.model), ("dimensions", model.dimensions)]
    connection.executemany(queries("model")["store"], values)


def store_words_version(connection: apsw.Connection) -> None:
    """Note that the indexed words are those of this version's tokeniser. Inside a write transaction."""
    connection.execute(queries("model")["store"], ("words_version", words.VERSION))


def claim_model(connection: apsw.Connection, model: str, dimensions: int) -> None:
    """Note the embedding model and the tokeniser at first use; afterwards check that they are the same.

    Inside a write transaction. A folder without any vector takes the model as its own.
    Raises: StartRefused, naming both sides and the remedy.
    """
    sql = queries("model")
    wanted = StoredModel(model, dimensions)
    stored = stored_model(connection)
    if stored is None or (stored != wanted and fetch_row(connection, sql["any_vector"]) is None):
        store_model(connection, wanted)
    elif stored != wanted:
        raise StartRefused(
            f"the data folder holds vectors of {stored.model} ({stored.dimensions} dimensions), and the settings ask "
            f"for {model} ({dimensions}); set EMBEDDING_MODEL={stored.model}, or stop every server on this folder and "
            "run `agent-memory rebuild-index --re-embed`"
        )
    version = fetch_row(connection, sql["words_version"])
    if version is None or fetch_row(connection, sql["any_words"]) is None:
        store_words_version(connection)
    elif version[0] != words.VERSION:
        raise StartRefused(
            f"the words of the data folder were indexed by version {version[0]} of the tokeniser, this server has "
            f"version {words.VERSION}; run `agent-memory rebuild-index`"
        )

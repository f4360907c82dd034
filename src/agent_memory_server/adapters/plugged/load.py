"""Find the factory that a dotted path names, and ask it for a store."""

from __future__ import annotations

import importlib
from typing import cast

from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.memory_store import MemoryStore

_METHODS = sorted(name for name, member in vars(MemoryStore).items() if callable(member) and not name.startswith("_"))


def load_store(path: str, embedder: Embedder) -> MemoryStore:
    """The store that the factory at `path` (`package.module.function`) makes for vectors of this embedder.

    Raises: StartRefused, when there is no such factory, it fails, or what it returns is no `MemoryStore`.
    """
    setting = f"MEMORY_VECTOR_DB_FACTORY={path}"
    module, _, name = path.rpartition(".")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise StartRefused(f"{setting} cannot be imported: {exc}") from exc
    try:
        store = factory(embedder)
    except Exception as exc:  # whatever another package raises, the start is refused with it
        raise StartRefused(f"{setting} failed: {type(exc).__name__}: {exc}") from exc
    missing = [method for method in _METHODS if not callable(getattr(store, method, None))]
    if missing:
        raise StartRefused(f"{setting} returned a {type(store).__name__}, which lacks {', '.join(missing)}")
    return cast("MemoryStore", store)

"""apsw's failures in the product's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from agent_memory_server.domain.errors import StartRefused, Unavailable

_BUSY = "the data folder is locked by another process for longer than the busy timeout; try again"
_FULL = "the disk of the data folder is full; nothing was written"


@contextmanager
def translating() -> Iterator[None]:
    """Raise domain errors for apsw's. A failed engine is an error, never an empty answer."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as exc:
        raise Unavailable(_BUSY) from exc
    except apsw.FullError as exc:
        raise Unavailable(_FULL) from exc
    except (apsw.CorruptError, apsw.NotADBError) as exc:
        raise Unavailable("the database file is damaged; restore it from a backup") from exc
    except (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as exc:
        raise Unavailable(f"the data folder cannot be used: {exc}") from exc


@contextmanager
def refusing_start() -> Iterator[None]:
    """The same while opening: a start that cannot work stops with one sentence."""
    try:
        with translating():
            yield
    except Unavailable as exc:
        raise StartRefused(str(exc)) from exc

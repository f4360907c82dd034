"""redis-py's failures in the product's words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions as failures

from agent_memory_server.domain.errors import DeadlineExceeded, Unavailable

_REFUSED = "Redis refuses the credentials of REDIS_URL, or does not grant them this command"


@contextmanager
def translating() -> Iterator[None]:
    """Raise domain errors for the driver's (`_translating`), and see to it that a cancellation gets through.

    redis-py sends with `asyncio.wait_for`, which on Python 3.11 may swallow a cancellation that comes as it ends
    (python/cpython#86296); the task would go on for ever.
    """
    before = _cancellations()
    try:
        with _translating():
            yield
    finally:
        if _cancellations() > before:
            raise asyncio.CancelledError


def _cancellations() -> int:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs
        return 0
    return task.cancelling() if task is not None else 0


@contextmanager
def _translating() -> Iterator[None]:
    """Raise domain errors for the driver's. A failed engine is an error, never an empty answer.

    A reply of the server can quote the command, so only its first word (the kind of error) is told.
    """
    try:
        yield
    except (failures.TimeoutError, TimeoutError) as exc:
        raise DeadlineExceeded("Redis did not answer in time") from exc
    except (failures.AuthenticationError, failures.NoPermissionError) as exc:
        raise Unavailable(_REFUSED) from exc
    except failures.BusyLoadingError as exc:
        raise Unavailable("Redis is still loading its data") from exc
    except failures.OutOfMemoryError as exc:
        raise Unavailable("Redis is out of memory; nothing was written") from exc
    except (failures.ClusterError, failures.RedisClusterException) as exc:
        cause = exc.__cause__
        if isinstance(cause, (failures.AuthenticationError, failures.NoPermissionError)):
            raise Unavailable(_REFUSED) from exc
        raise Unavailable("a part of the Redis cluster cannot be reached") from exc
    except (failures.ConnectionError, OSError) as exc:
        raise Unavailable("Redis cannot be reached") from exc
    except failures.ResponseError as exc:
        raise Unavailable(f"Redis refused a command ({str(exc).partition(' ')[0]})") from exc

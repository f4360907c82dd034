"""Repeated writes: the header Idempotency-Key makes a request safe to send again.

The answer to a completed write is kept under (subject, key). The same request with the same key gets that answer
again; another request with the key is refused. Only success is kept: a request that failed changed nothing and may be
sent again, corrected or not. Ids that the server makes are derived from the key, so a request that was carried out
without its answer being kept (the process died in between) finds its own traces when it is repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from ulid import ULID

from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.idempotency import KeptAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FIELD = "header.idempotency-key"

log = structlog.get_logger()


class IdempotencyMismatch(InvalidRequest):
    """The key was used for another request: take a fresh one."""

    code = "idempotency_mismatch"


def key_of(headers: Headers) -> str | None:
    """The request's key; None when it has none. Raises: InvalidRequest, when it is not 1 … 255 visible characters."""
    key = headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"{HEADER} must be 1 to 255 visible ASCII characters", field=_FIELD)
    return key


def id_source(subject: str, key: str | None) -> Callable[[], str]:
    """Makes ULIDs: fresh ones, or with a key the same ones in the same order each time."""
    if key is None:
        return _fresh_id
    numbers = count()

    def derived() -> str:
        seed = "\x1f".join((subject, key, str(next(numbers))))
        return str(ULID.from_bytes(hashlib.sha256(seed.encode()).digest()[:16]))

    return derived


def _fresh_id() -> str:
    return str(ULID())


async def digest_of(request: Request) -> str:
    """SHA-256 (hex) of method, path, query and body, each with its length."""
    digest = hashlib.sha256()
    parts = (request.method.encode(), request.scope["path"].encode("utf-8", "surrogatepass"))
    for part in (*parts, request.scope["query_string"], await request.body()):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


@dataclass(slots=True)
class _Turn:
    """Requests with one key, in this process: one at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Idempotency:
    """Answers repeated writes from what was kept."""

    def __init__(self, *, kept_s: float) -> None:
        self._kept_s = kept_s
        self._turns: dict[tuple[str, str], _Turn] = {}

    async def answer(
        self,
        app: Application,
        subject: str,
        key: str,
        request: Request,
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Response:
        """The answer kept for this key, or the handler's own, kept from now on.

        A repetition that arrives while the first request is at work waits for it.
        Raises: IdempotencyMismatch, and whatever the handler raises.
        """
        digest = await digest_of(request)
        async with self._turn((subject, key)):
            kept = await app.answers.find(subject, key, now=app.clock())
            if kept is not None:
                return _replayed(kept, digest)
            response = await handle(request)
            if 200 <= response.status_code < 300:
                await self._keep(app, subject, key, digest, response)
            return response

    async def _keep(self, app: Application, subject: str, key: str, digest: str, response: Response) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        answer = KeptAnswer(
            request_digest=digest,
            status=response.status_code,
            body=bytes(response.body),
            headers=tuple(header for header in headers if header[0] != "content-length"),
        )
        now = app.clock()
        try:
            await app.answers.keep(subject, key, answer, now=now, expires_at=now + self._kept_s)
        except Unavailable as exc:
            # The write is done and must be acknowledged; a repetition finds it by the derived ids.
            log.warning("idempotency.answer_not_kept", reason=str(exc))

    @asynccontextmanager
    async def _turn(self, place: tuple[str, str]) -> AsyncIterator[None]:
        turn = self._turns.setdefault(place, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[place]


def _replayed(kept: KeptAnswer, digest: str) -> Response:
    if kept.request_digest != digest:
        raise IdempotencyMismatch(f"this {HEADER} was used for another request; take a fresh one", field=_FIELD)
    return Response(kept.body, kept.status, {**dict(kept.headers), REPLAYED: "true"})

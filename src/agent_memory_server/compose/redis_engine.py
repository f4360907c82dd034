"""The Redis engine, opened. Only this module knows the driver: it is imported when REDIS_URL is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.adopting_store import AdoptingMemoryStore
from agent_memory_server.adapters.redis.adoption import Adoption, open_index
from agent_memory_server.adapters.redis.answers import RedisIdempotencyStore
from agent_memory_server.adapters.redis.completeness import examine_search
from agent_memory_server.adapters.redis.connection import Limits, open_client
from agent_memory_server.adapters.redis.decision_log import RedisDecisionLog
from agent_memory_server.adapters.redis.decisions import RedisDecisions
from agent_memory_server.adapters.redis.index import IndexOptions, index_dimensions
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.model import claim_model, forget_vectors, stored_model
from agent_memory_server.adapters.redis.rebuilding import rebuild
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.adapters.redis.server import examine_server, require_modules
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.adapters.redis.spending import RedisSpending
from agent_memory_server.adapters.redis.tokens import RedisTokenStore
from agent_memory_server.adapters.redis.urls import database_of
from agent_memory_server.adapters.redis.vector_cache import RedisVectorCache
from agent_memory_server.adapters.redis.view_store import RedisViewStore
from agent_memory_server.compose.engine import USUAL_DIMENSIONS, Ports, now
from agent_memory_server.domain.errors import MemoryServerError, NotFound, StartRefused, Unavailable
from agent_memory_server.domain.finding import Finding, State
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.domain.work import work_finding
from agent_memory_server.settings import Settings
from agent_memory_server.telemetry import log as events

_RETRY_S = 1.0
_PATIENCE_S = 600.0
"""How long a command waits that names no user, while records of another server are taken over."""

log = structlog.get_logger()


def client_of(settings: Settings) -> Redis:
    """A client of the server that the settings name; whoever opens closes. Raises: StartRefused."""
    redis = settings.redis
    url = redis.url or ""
    if database_of(url):
        raise StartRefused("REDIS_URL names another database than 0: Redis can search in that one only")
    return open_client(
        url,
        Limits(
            connections=redis.connections,
            pool_wait_s=redis.pool_wait_s,
            connect_s=redis.connect_s,
            answer_s=redis.answer_s,
            retries=redis.retries,
            replicas=redis.wait_replicas,
            wait_s=redis.wait_s,
        ),
        cluster_search=redis.cluster_search,
    )


def index_options(settings: Settings, dimensions: int) -> IndexOptions:
    """The index over memories."""
    redis = settings.redis
    return IndexOptions(
        name=redis.index_name,
        prefix=redis.index_prefix,
        dimensions=dimensions,
        algorithm=redis.algorithm,
        m=redis.m,
        ef_construction=redis.ef_construction,
        metric=redis.distance_metric,
        text=redis.index_text,
    )


def session_options(settings: Settings) -> SessionOptions:
    """The index over sessions."""
    return SessionOptions(index=settings.redis.session_index_name, prefix=settings.redis.session_index_prefix)


class RedisEngine:
    """`Engine` over one database of Redis. patient: it may start before Redis does, and is not ready until then."""

    def __init__(self, client: Redis, settings: Settings, *, patient: bool) -> None:
        self._client = client
        self._settings = settings
        self._patient = patient
        self._background: list[asyncio.Task[None]] = []
        self._stores: list[RedisMemoryStore] = []
        self._trouble: str | None = None
        self.place = "Redis"
        self.spending = RedisSpending(client)
        self.vectors = RedisVectorCache(client)

    async def close(self) -> None:
        """End what goes on in the background, and close the client."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, *(store.close() for store in self._stores), return_exceptions=True)
        await self._client.aclose()

    async def stored_model(self) -> StoredModel | None:
        """See `Engine.stored_model`."""
        try:
            return await stored_model(self._client, index_options(self._settings, USUAL_DIMENSIONS))
        except Unavailable:
            if self._patient:
                return None
            raise

    async def prepare(self, model: StoredModel, *, claim: bool) -> None:
        """See `Engine.prepare`. A patient engine goes on trying in the background when Redis cannot be reached."""
        try:
            await self._prepare(model, claim=claim)
        except Unavailable as exc:
            if not self._patient:
                raise
            log.warning(events.ENGINE_AWAITED, reason=str(exc))
            self._trouble = str(exc)
            self._background.append(asyncio.create_task(self._prepare_later(model, claim=claim), name="redis"))

    async def _prepare_later(self, model: StoredModel, *, claim: bool) -> None:
        while self._trouble is not None:
            await asyncio.sleep(_RETRY_S)
            try:
                await self._prepare(model, claim=claim)
            except MemoryServerError as exc:
                if isinstance(exc, StartRefused) and str(exc) != self._trouble:
                    log.critical(events.ENGINE_REFUSED, reason=str(exc))
                self._trouble = str(exc)
            else:
                self._trouble = None
                log.info(events.ENGINE_READY)

    async def _prepare(self, model: StoredModel, *, claim: bool) -> None:
        await require_modules(self._client)
        dimensions = model.dimensions
        options = index_options(self._settings, dimensions)
        if claim:
            await claim_model(self._client, options, model)
        else:
            dimensions = await index_dimensions(self._client, options.name) or dimensions
        adoption = await open_index(self._client, index_options(self._settings, dimensions))
        await ensure_session_index(self._client, session_options(self._settings))
        self._background.append(asyncio.create_task(_adopting(adoption), name="adoption"))
        if self._patient:  # a server, which the operator watches
            async for finding in examine_server(self._client):
                if finding.state is not State.OK:
                    log.warning(events.ENGINE_AT_RISK, what=finding.name, advice=finding.detail)

    async def forget_vectors(self, model: StoredModel) -> int:
        """See `Engine.forget_vectors`."""
        options = index_options(self._settings, model.dimensions)
        owed = await forget_vectors(self._client, options, model)
        await open_index(self._client, options)
        return owed

    def ports(self, dimensions: int) -> Ports:
        """See `Engine.ports`."""
        client = self._client
        options = index_options(self._settings, dimensions)
        sessions = session_options(self._settings)
        wait_s = self._settings.redis.adoption_wait_s if self._patient else _PATIENCE_S
        search = SearchOptions(
            cache_mb=self._settings.storage.vector_cache_mb, ef_runtime=self._settings.redis.ef_runtime
        )
        memories = RedisMemoryStore(client, options, search, sessions, trouble=lambda: self._trouble)
        self._stores.append(memories)
        jobs = RedisJobs(client, self._settings.tasks.docket_name, clock=now)
        return Ports(
            memories=AdoptingMemoryStore(memories, Adoption(client, options, wait_s=wait_s)),
            restoring=memories,
            sessions=RedisSessionStore(client, sessions, options),
            tokens=RedisTokenStore(client),
            answers=RedisIdempotencyStore(client),
            views=RedisViewStore(client),
            decisions=RedisDecisions(client),
            decision_log=RedisDecisionLog(client),
            jobs=jobs,
            claims=jobs,
        )


async def _adopting(adoption: Adoption) -> None:
    """Take over what another server wrote, until that is done; an outage in between is waited for."""
    while True:
        try:
            done = await adoption.run()
        except Unavailable:
            await asyncio.sleep(_RETRY_S)
        else:
            if done is not None and done.seen:
                told = {"memories": done.adopted, "moved": done.moved, "debris": done.debris, "left": done.conflicts}
                log.info(events.TAKEN_OVER, **told)
            return


@asynccontextmanager
async def redis_engine(settings: Settings, *, patient: bool) -> AsyncIterator[RedisEngine]:
    """The engine on the server that REDIS_URL names. Connects with the first command. Raises: StartRefused."""
    engine = RedisEngine(client_of(settings), settings, patient=patient)
    try:
        yield engine
    finally:
        await engine.close()


async def redis_findings(settings: Settings) -> list[Finding]:
    """What there is to say about the server and what is in it. Changes nothing."""
    found: list[Finding] = []
    try:
        client = client_of(settings)
        try:
            found += [finding async for finding in examine_server(client)]
            if all(finding.state is not State.FAILED for finding in found):
                found += await _content(client, settings)
        finally:
            await client.aclose()
    except MemoryServerError as exc:
        found.append(Finding("redis", State.FAILED, str(exc)))
    return found


async def _content(client: Redis, settings: Settings) -> list[Finding]:
    stored = await stored_model(client, index_options(settings, USUAL_DIMENSIONS))
    if stored is None:
        return [Finding("content", State.WARNING, "nothing is stored yet; the first start makes the indices")]
    found = [Finding("stored vectors", State.OK, f"{stored.model or 'unknown model'}, {stored.dimensions} dimensions")]
    options = index_options(settings, stored.dimensions)
    try:
        figures = await RedisMemoryStore(client, options, sessions=session_options(settings)).stats()
    except Unavailable as exc:
        return [*found, Finding("content", State.WARNING, f"the indices cannot be read ({exc}); a start makes them")]
    found += [finding async for finding in examine_search(client, options)]
    found.append(Finding("content", State.OK, f"{figures.memories} memories, {figures.sessions} sessions"))
    if figures.unembedded:
        detail = f"{figures.unembedded} memories are not embedded yet and are found by words only; a server embeds them"
        found.append(Finding("owed embeddings", State.WARNING, detail))
    else:
        found.append(Finding("owed embeddings", State.OK, "none"))
    tokens = await RedisTokenStore(client).list()
    return [*found, Finding("tokens", State.OK, str(len(tokens))), await _work(client, settings)]


async def _work(client: Redis, settings: Settings) -> Finding:
    jobs = RedisJobs(client, settings.tasks.docket_name, clock=now)
    figures, pulse = await jobs.figures(), await jobs.pulse(now=now())
    late_s = now() - pulse.oldest_due if pulse.oldest_due else 0.0
    return work_finding(
        waiting=figures.waiting, running=figures.running, dead=figures.dead, workers=pulse.workers, late_s=late_s
    )


async def rebuilding_redis(settings: Settings) -> AsyncIterator[tuple[int, int]]:
    """Make the index over memories again, beside the one in use, step by step: how many records, of how many.

    Raises: NotFound, when there is none; Conflict, when another process does; Unavailable.
    """
    client = client_of(settings)
    try:
        stored = await stored_model(client, index_options(settings, USUAL_DIMENSIONS))
        if stored is None:
            raise NotFound("no index in the Redis that REDIS_URL names; the first start makes it")
        async for step in rebuild(client, index_options(settings, stored.dimensions)):
            yield step.done, step.total
    finally:
        await client.aclose()

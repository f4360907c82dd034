"""Sessions in Redis.

Reading and changing are scripts of one step. What Python decides by what it read is carried out if the session still
has the revision that was read, and is decided again if not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.burials import Burials
from agent_memory_server.adapters.redis.index import Index, IndexOptions
from agent_memory_server.adapters.redis.owing import Again, Owing
from agent_memory_server.adapters.redis.planning import Planner, until_done
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.session_adoption import SessionAdoption
from agent_memory_server.adapters.redis.session_document import (
    bound_words,
    document_of,
    head_from,
    message_from,
    message_json,
    message_words,
    number,
    roles_json,
    strategy_json,
)
from agent_memory_server.adapters.redis.session_folding import SessionFolding
from agent_memory_server.adapters.redis.session_identities import identities
from agent_memory_server.adapters.redis.session_index import SessionIndex, SessionOptions
from agent_memory_server.adapters.redis.session_known import Known, as_stored, known_of
from agent_memory_server.adapters.redis.session_scripts import SessionScripts
from agent_memory_server.adapters.redis.step import Step
from agent_memory_server.adapters.redis.writing import concerned
from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.errors import Conflict, Forbidden
from agent_memory_server.domain.messages import distinct, other_revision, same_message
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.domain.tokens import tokens_of
from agent_memory_server.ports.memory_store import MemoryWrite, PutResult, PutStatus
from agent_memory_server.ports.session_store import Appended, Marked, OwedSession, SessionPage, Unextracted

_AT_ONCE = 500
_NOTHING = Marked(messages=(), records=())


class RedisSessionStore:
    """`SessionStore` over JSON documents. Whoever opened the client closes it, after the indices were seen to."""

    def __init__(self, client: Redis, options: SessionOptions, records: IndexOptions) -> None:
        """records: where the long-term records are that sessions owe."""
        self._client = client
        self._prefix = options.prefix
        self._index = SessionIndex(client, options)
        self._adoption = SessionAdoption(client, prefix=options.prefix)
        self._records = Records(client, prefix=records.prefix, index=records.name)
        self._scripts = SessionScripts(client, self._adoption, self._records, prefix=options.prefix)
        self._planner = Planner(self._records, Index(client, records.name))
        self._owing = Owing(client, self._records)
        self._burials = Burials(client, self._records)
        self._folding = SessionFolding(client, self._scripts, self._index, prefix=options.prefix)

    async def get(self, scope: Scope, key: SessionKey, *, now: float, last: int | None = None) -> Session | None:
        """See `SessionStore.get`."""
        if not scope.allows(key.namespace, key.user_id):
            return None
        words = ["all"] if last is None else ["last", str(max(last, 0))]
        found = await self._scripts.read(key, words, now=now)
        if found is None:
            return None
        head, (text,) = found
        messages = _messages(text)
        if last is not None:  # all of them came when their times go back somewhere
            messages = sorted(messages, key=lambda message: message.created_at)[max(len(messages) - max(last, 0), 0) :]
        return replace(head, messages=tuple(messages))

    async def find(
        self, scope: Scope, session_id: str, *, namespace: str | None, user_id: str | None, now: float
    ) -> list[SessionKey]:
        """See `SessionStore.find`."""
        await self.adopt_foreign(now=now)
        within = _within(scope, namespace, user_id)
        found = await self._index.page(within, now=now, limit=2, session_id=session_id)
        return [one.key for one in await identities(self._client, found)]

    async def put(
        self,
        scope: Scope,
        session: Session,
        *,
        now: float,
        if_revision: int | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Session:
        """See `SessionStore.put`."""
        _require(scope, session.key)
        messages = distinct(session.messages)
        document = document_of(replace(session, messages=messages), now=now)

        async def attempt() -> Session | None:
            owed = await self._owed_records(scope, records)
            wanted = "" if if_revision is None else str(if_revision)
            told = [wanted, document.text, *document.own, *bound_words(bound), str(len(messages)), *document.messages]
            state, *rest = await self._scripts.run(
                "put", session.key, told, now=now, records=owed, again=self._replanned(scope, records)
            )
            if state == b"revision":
                raise other_revision(session.key, if_revision or 0, int(rest[0]))
            return None if state == b"retry" else head_from(session.key, rest[0])

        head = await until_done(attempt)
        return replace(
            session,
            messages=messages,
            revision=head.revision,
            message_count=head.message_count,
            owed_since=head.owed_since,
            outgrown_since=head.outgrown_since,
            speakers=head.speakers,
            window=head.window,
        )

    async def append(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        ttl_seconds: int | None = None,
        strategy: Strategy | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Appended:
        """See `SessionStore.append`."""
        _require(scope, key)
        distinct(messages)
        known: Known | None = None

        async def attempt() -> Appended | None:
            nonlocal known
            given = as_stored(messages, known)
            there = known.ids if known else frozenset()
            fresh = [one for one in distinct(given) if one.id not in there]
            # The record of a repeated message was stored with it, and may have been deleted since.
            owed = [record for record in records if record.memory.id not in there]
            started = _started(key, now=now, ttl_seconds=ttl_seconds, strategy=strategy)
            document = document_of(started, now=now)
            words = ["" if known is None else str(known.head.revision)]
            words += [number(ttl_seconds), strategy_json(strategy) if strategy else "", _open(document.text)]
            words += [*document.own, *bound_words(bound), str(tokens_of(fresh)), roles_json(fresh)]
            words += [str(len(fresh)), *message_words(fresh)]
            words += [*map(message_json, fresh), *(repr(one.created_at) for one in fresh)]
            steps = await self._owed_records(scope, owed)
            state, *rest = await self._scripts.run(
                "append", key, words, now=now, records=steps, again=self._replanned(scope, owed)
            )
            if state == b"done":
                return Appended(session=head_from(key, rest[0]), messages=given)
            known = None
            if state == b"known":
                known = known_of(key, rest)
            return None

        return await until_done(attempt)

    async def _owed_records(self, scope: Scope, records: Sequence[MemoryWrite]) -> Sequence[Step]:
        """The steps that store these records. Raises: Conflict, Forbidden."""
        plan = await self._planner.planned(scope, records, deduplicate=False)
        for result in plan.results:
            if result.status is PutStatus.REFUSED:
                raise Conflict(f"the record id {result.id} is taken; choose another one")
        return list(plan.changes.steps.values())

    def _replanned(self, scope: Scope, records: Sequence[MemoryWrite], *, deduplicate: bool = False) -> Again:
        """Plans the steps of those of these records once more that were changed meanwhile."""

        async def again(failed: frozenset[str]) -> Sequence[Step]:
            plan = await self._planner.planned(scope, concerned(records, failed), deduplicate=deduplicate)
            return list(plan.changes.steps.values())

        return again

    async def delete(self, scope: Scope, key: SessionKey, *, now: float) -> bool:
        """See `SessionStore.delete`."""
        if not scope.allows(key.namespace, key.user_id):
            return False
        state, *_ = await self._scripts.run("delete", key, [""], now=now)
        return bool(state == b"done")

    async def list(
        self, scope: Scope, *, namespace: str | None, user_id: str | None, limit: int, offset: int, now: float
    ) -> SessionPage:
        """See `SessionStore.list`."""
        await self.adopt_foreign(now=now)
        within = _within(scope, namespace, user_id)
        total = await self._index.count(within, now=now)
        page = await self._index.page(within, now=now, limit=limit, offset=offset) if offset < total else []
        found = await identities(self._client, page)
        return SessionPage(keys=tuple(one.key for one in found), total=total)

    async def owed_extractions(
        self, *, now: float, limit: int, after: OwedSession | None = None
    ) -> Sequence[OwedSession]:
        """See `SessionStore.owed_extractions`."""
        if after is None:
            await self._owing.complete()
        await self.adopt_foreign(now=now)
        found = await identities(self._client, await self._index.owed(now=now, limit=limit, after=after))
        return [OwedSession(key=one.key, since=one.unread) for one in found if one.unread is not None]

    async def unextracted(
        self, scope: Scope, key: SessionKey, *, now: float, limit: int, before: int
    ) -> Unextracted | None:
        """See `SessionStore.unextracted`."""
        if not scope.allows(key.namespace, key.user_id):
            return None
        found = await self._scripts.read(key, ["unread", str(limit), str(before)], now=now)
        if found is None:
            return None
        head, (earlier, *unread) = found
        messages = tuple(message_from(json.loads(text)) for text in unread)
        return Unextracted(session=head, messages=messages, before=tuple(_messages(earlier)))

    async def mark_extracted(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        records: Sequence[MemoryWrite] = (),
    ) -> Marked:
        """See `SessionStore.mark_extracted`."""
        _require(scope, key)
        wanted = {message.id: message for message in messages}

        async def attempt() -> tuple[Marked, Sequence[str]] | None:
            found = await self._scripts.read(key, ["known", *wanted], now=now)
            if found is None:
                return _NOTHING, []
            head, rest = found
            there = {id_.decode(): message_from(json.loads(text)) for id_, text in _pairs(rest)}
            marked = [message.id for message in wanted.values() if _unread(there.get(message.id), message)]
            if not marked:
                return _NOTHING, []
            others = wanted.keys() - set(marked)
            supported = [record for record in records if others.isdisjoint(record.memory.extracted_from)]
            buried = await self._burials.number()
            results, noted, steps = await self._derived(scope, supported)
            state, *_ = await self._scripts.run(
                "mark",
                key,
                [str(head.revision), str(len(marked)), *marked],
                now=now,
                records=steps,
                guard=(keys.BURIED_NUMBER, buried) if supported else None,
                again=self._replanned(scope, supported, deduplicate=True),
            )
            return (Marked(messages=tuple(marked), records=results), noted) if state == b"done" else None

        marked, noted = await until_done(attempt)
        await self._records.note_access(noted, at=now, interval_s=0.0, counted=False)
        return marked

    async def _derived(
        self, scope: Scope, records: Sequence[MemoryWrite]
    ) -> tuple[tuple[PutResult, ...], Sequence[str], Sequence[Step]]:
        """What becomes of records read out of messages, duplicates that were met again, and the steps."""
        gone = [await self._burials.is_buried(record.memory) for record in records]
        kept = [record for record, buried in zip(records, gone, strict=True) if not buried]
        plan = await self._planner.planned(scope, kept, deduplicate=True)
        planned = iter(plan.results)
        results = tuple(
            PutResult(record.memory.id, PutStatus.DELETED) if buried else next(planned)
            for record, buried in zip(records, gone, strict=True)
        )
        return results, plan.noted, list(plan.changes.steps.values())

    async def fold(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        context: str | None,
        if_context: str | None,
        tokens: int,
        now: float,
    ) -> Session:
        """See `SessionStore.fold`."""
        _require(scope, key)
        return await self._folding.fold(key, messages, context=context, if_context=if_context, tokens=tokens, now=now)

    async def folded(self, scope: Scope, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """See `SessionStore.folded`."""
        _require(scope, key)
        return await self._folding.folded(key, messages, now=now)

    async def folded_digests(self, key: SessionKey, *, now: float) -> Mapping[str, bytes]:
        """See `SessionStore.folded_digests`."""
        return await self._folding.digests(key, now=now)

    async def note_folded(self, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
        """See `SessionStore.note_folded`."""
        await self._folding.note(key, digests, now=now)

    async def owed_foldings(self, *, now: float, limit: int, after: OwedSession | None = None) -> Sequence[OwedSession]:
        """See `SessionStore.owed_foldings`."""
        return await self._folding.owed(now=now, limit=limit, after=after)

    async def uncounted(self, *, now: float, limit: int) -> Sequence[SessionKey]:
        """See `SessionStore.uncounted`."""
        await self.adopt_foreign(now=now)
        return await self._folding.uncounted(now=now, limit=limit)

    async def counted(
        self, scope: Scope, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float
    ) -> bool:
        """See `SessionStore.counted`."""
        _require(scope, key)
        return await self._folding.counted(key, revision=revision, tokens=tokens, outgrown=outgrown, now=now)

    async def purge_expired(self, *, now: float, limit: int = 1000) -> int:
        """See `SessionStore.purge_expired`. Redis has deleted most of them by itself."""
        keys_over = [one.key for one in await identities(self._client, await self._index.over(now=now, limit=limit))]
        states = [await self._scripts.run("delete", key, ["over"], now=now) for key in keys_over]
        return sum(state == b"done" for state, *_ in states)

    async def adopt_foreign(self, *, now: float) -> int:
        """Take over the documents that another server wrote; how many."""
        adopted = 0
        async for page in self._index.foreign():
            done = sum([await self._adoption.adopt(key, now=now) for key in page])
            adopted += done
            if not done:
                break
        return adopted


def _require(scope: Scope, key: SessionKey) -> None:
    if not scope.allows(key.namespace, key.user_id):
        raise Forbidden("the session's namespace and user are outside of what this credential grants")


def _messages(text: bytes) -> list[Message]:
    return [message_from(members) for members in json.loads(text)]


def _pairs(words: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(words[::2], words[1::2], strict=True))


def _unread(stored: Message | None, message: Message) -> bool:
    return stored is not None and same_message(stored, message) and not stored.discrete_memory_extracted


def _started(key: SessionKey, *, now: float, ttl_seconds: int | None, strategy: Strategy | None) -> Session:
    return Session(
        key=key,
        created_at=now,
        updated_at=now,
        last_accessed=now,
        strategy=strategy or Strategy(),
        ttl_seconds=ttl_seconds,
    )


def _open(text: str) -> str:
    """A document without its messages."""
    return "{" + text.removeprefix('{"messages":[],')


def _within(scope: Scope, namespace: str | None, user_id: str | None) -> Scope:
    """The scope, in the parts that are given."""
    asked = Scope(
        None if namespace is None else frozenset({namespace}), None if user_id is None else frozenset({user_id})
    )
    return scope.intersect(asked)

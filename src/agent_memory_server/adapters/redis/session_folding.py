"""A summary put in place of a session's messages, and which sessions wait for one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.planning import until_done
from agent_memory_server.adapters.redis.session_document import (
    exact_tokens,
    head_from,
    message_from,
    message_json,
    message_words,
    run_of_times,
)
from agent_memory_server.adapters.redis.session_identities import identities
from agent_memory_server.adapters.redis.session_index import SessionIndex
from agent_memory_server.adapters.redis.session_scripts import SessionScripts
from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.messages import message_digest, same_message
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.tokens import tokens_of
from agent_memory_server.ports.session_store import OwedSession


class SessionFolding:
    """That part of `SessionStore`; whoever calls has seen to the scope."""

    def __init__(self, client: Redis, scripts: SessionScripts, index: SessionIndex, *, prefix: str) -> None:
        self._client = client
        self._scripts = scripts
        self._index = index
        self._prefix = prefix

    async def fold(
        self,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        context: str | None,
        if_context: str | None,
        tokens: int,
        now: float,
    ) -> Session:
        """See `SessionStore.fold`."""

        async def attempt() -> Session | None:
            found = await self._scripts.read(key, ["all"], now=now)
            if found is None:
                raise NotFound(f"Session {key.session_id} not found")
            head, (text,) = found
            if head.context != if_context:
                raise Conflict(f"the summary of session {key.session_id} has changed")
            there = {message.id: message for message in map(message_from, json.loads(text))}
            for message in messages:
                stored = there.pop(message.id, None)
                if stored is None or not same_message(stored, message):
                    raise Conflict(f"message {message.id} of session {key.session_id} has changed or is gone")
            left = list(there.values())
            words = [str(head.revision), json.dumps(context), str(tokens), f"[{','.join(map(message_json, left))}]"]
            words += [*run_of_times(left), str(tokens_of(left)), str(len(left)), *message_words(left)]
            words += [word for message in messages for word in (message.id, message_digest(message).hex())]
            state, *rest = await self._scripts.run("fold", key, words, now=now)
            return head_from(key, rest[0]) if state == b"done" else None

        return await until_done(attempt)

    async def folded(self, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """See `SessionStore.folded`."""
        if not messages or await self._scripts.read(key, ["head"], now=now) is None:
            return set()
        ids = [message.id for message in messages]
        found = await command(self._client, "HMGET", keys.session(self._prefix, key).folded, *ids)
        pairs = zip(messages, found, strict=True)
        return {message.id for message, said in pairs if said == message_digest(message).hex().encode()}

    async def digests(self, key: SessionKey, *, now: float) -> Mapping[str, bytes]:
        """See `SessionStore.folded_digests`."""
        if await self._scripts.read(key, ["head"], now=now) is None:
            return {}
        found = await command(self._client, "HGETALL", keys.session(self._prefix, key).folded)
        return {id_.decode(): bytes.fromhex(digest.decode()) for id_, digest in found.items()}

    async def note(self, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
        """See `SessionStore.note_folded`."""
        words = [word for id_, digest in digests.items() for word in (id_, digest.hex())]
        await self._scripts.run("note", key, words, now=now)

    async def owed(self, *, now: float, limit: int, after: OwedSession | None = None) -> Sequence[OwedSession]:
        """See `SessionStore.owed_foldings`."""
        found = await identities(
            self._client, await self._index.owed(now=now, limit=limit, after=after, by="outgrown_")
        )
        return [OwedSession(key=one.key, since=one.outgrown) for one in found if one.outgrown is not None]

    async def uncounted(self, *, now: float, limit: int) -> Sequence[SessionKey]:
        """See `SessionStore.uncounted`."""
        return [one.key for one in await identities(self._client, await self._index.uncounted(now=now, limit=limit))]

    async def counted(self, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float) -> bool:
        """See `SessionStore.counted`."""
        words = [str(revision), str(tokens), "1" if outgrown else "0", exact_tokens(key)]
        state, *_ = await self._scripts.run("count", key, words, now=now)
        return bool(state == b"done")

"""How many records hold words, by the index; phrases are looked for in the words that it found them by."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import stems
from agent_memory_server.adapters.redis.filter_query import IndexQuery, also
from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.index_arms import holding
from agent_memory_server.domain.query import Term

_READ = 2_000
"""Records whose words are looked at, 4 µs each; of more, a part that is spread over the index tells the share."""

_PARTS = 10


class WordCounts:
    """Counts the records of queries."""

    def __init__(self, client: Redis, index: Index, *, prefix: str) -> None:
        self._index = index
        self._reader = HashReader(client, prefix=prefix, fields=(stems.FIELD,))

    async def of(self, query: IndexQuery, terms: Sequence[Term], *, older: bool) -> int:
        """How many hold one of the terms, a phrase as its words in their order. older: see `holding`.

        Raises: Unavailable.
        """
        words = [term for term in terms if len(term.words) == 1]
        phrases = [term for term in terms if len(term.words) > 1]
        by_words = holding(query, words, older=older)
        count = 0 if by_words is None else await self._index.count(by_words)
        candidates = holding(query, phrases, older=older)
        if candidates is None:
            return count
        if words:
            held = "|".join(dict.fromkeys(stems.stem(term.words[0]) for term in words))
            candidates = also(candidates, f"-@{stems.FIELD}:({held})")
        return count + await self._holding_in_order(candidates, phrases)

    async def _holding_in_order(self, candidates: IndexQuery, phrases: Sequence[Term]) -> int:
        count = await self._index.count(candidates)
        if count <= _READ:
            ids = await self._index.every(candidates)
        else:
            ids = await self._index.sample(candidates, parts=_PARTS, each=_READ // _PARTS)
        wanted = [stems.phrase(term.words) for term in phrases]
        fields = await self._reader.read(ids)
        # A record that has no words of ours yet may hold them.
        found = sum(field is None or any(stems.holds(field, one) for one in wanted) for (field,) in fields)
        return found if count <= _READ else round(count * found / max(len(fields), 1))

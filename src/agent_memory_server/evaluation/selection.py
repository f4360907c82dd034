"""A part of a corpus: some conversations, or a sample of the questions."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.conversations import Corpus

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def chosen(corpus: Corpus, names: Sequence[str] = (), *, sample: int | None = None, seed: int = 0) -> Corpus:
    """The named conversations with their questions, then `sample` of the questions (drawn by `seed`, in their order)
    with the conversations they are about.

    names: ids of conversations, or places from 1 ("2", "1-3"); none: all. Raises: InvalidRequest for an unknown one.
    """
    kept = {id_ for name in names for id_ in _named(corpus, name)} if names else {c.id for c in corpus.conversations}
    queries = [query for query in corpus.queries if query.conversation in kept]
    if sample is not None and sample < len(queries):
        places = sorted(random.Random(seed).sample(range(len(queries)), sample))  # noqa: S311 - no secret
        queries = [queries[place] for place in places]
        kept = {query.conversation for query in queries}
    conversations = tuple(c for c in corpus.conversations if c.id in kept)
    facts = tuple(fact for fact in corpus.facts if fact.conversation in kept)
    return replace(corpus, conversations=conversations, queries=tuple(queries), facts=facts)


def _named(corpus: Corpus, name: str) -> list[str]:
    ids = [conversation.id for conversation in corpus.conversations]
    if name in ids:
        return [name]
    found = _RANGE.fullmatch(name)
    if found:
        first, last = int(found[1]), int(found[2] or found[1])
        if 1 <= first <= last <= len(ids):
            return ids[first - 1 : last]
    raise InvalidRequest(
        f"conversations: {name!r} is no conversation of {corpus.name} and no place from 1 to {len(ids)}"
    )

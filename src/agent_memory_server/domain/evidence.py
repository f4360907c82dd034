"""Which of a query's words a result holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.query import Evidence, Term
from agent_memory_server.domain.word_rows import WordRows


def with_matched_words(
    evidence: Mapping[int, Evidence], rids: Rids, words: WordRows, terms: Sequence[Term]
) -> dict[int, Evidence]:
    """The evidence of records by number, with the terms that each holds; a phrase as its words with spaces.

    rids, words: the number and the words of each of these records, row by row.
    """
    matched: dict[int, list[str]] = {rid: [] for rid in evidence}
    for term in terms:
        for rid in rids[words.occurrences(term).rows].tolist():
            matched[rid].append(" ".join(term.words))
    return {rid: replace(one, matched_words=tuple(matched[rid])) for rid, one in evidence.items()}

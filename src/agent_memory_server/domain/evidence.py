"""What is told of a result beside its record: which of a query's words it holds, and what else says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Evidence, Hit, Term
from agent_memory_server.domain.ranking import Placed
from agent_memory_server.domain.word_rows import WordRows


def hit_of(placed: Placed, memory: Memory, evidence: Evidence | None, ids: Mapping[int, str]) -> Hit:
    """The result at a place. evidence: with the words that it holds, None where nobody asked; ids: of the records that
    the place stands for."""
    if evidence is not None and placed.also:
        evidence = replace(evidence, also=tuple(ids[key] for key in placed.also))
    return Hit(
        memory=memory,
        dist=placed.dist,
        score=placed.score,
        mode=placed.mode,
        relevance=placed.relevance,
        evidence=evidence,
    )


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

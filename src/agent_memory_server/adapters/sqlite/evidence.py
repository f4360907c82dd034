"""Which of a query's words a result holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.keyword import stored_words
from agent_memory_server.domain.query import Evidence, Term


def with_matched_words(
    connection: apsw.Connection, evidence: Mapping[int, Evidence], terms: Sequence[Term]
) -> dict[int, Evidence]:
    """The evidence of records by number, with the terms that each holds; a phrase as its words with spaces."""
    rids, words = stored_words(connection, np.array(sorted(evidence), np.int64))
    matched: dict[int, list[str]] = {rid: [] for rid in evidence}
    for term in terms:
        for rid in rids[words.occurrences(term).rows].tolist():
            matched[rid].append(" ".join(term.words))
    return {rid: replace(one, matched_words=tuple(matched[rid])) for rid, one in evidence.items()}

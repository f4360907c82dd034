"""How well `relevance` tells questions that the memories answer from questions that they do not; and its fit.

Every question of a conversation file is asked within its own conversation, and within every other one of the file,
whose memories cannot answer it: as it is, and with the speakers' names replaced by those of the conversation that is
asked, so that only what was said can tell them apart. `--fit` also fits the estimates on the named conversations.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.evaluation.conversations import Conversation, Corpus, Query
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.measure import target
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.retrieval import Target, checked, ingest

Floats = NDArray[np.float64]

RESULTS = 10
FLOORS = (0.2, 0.3, 0.5, 0.7)
OWN, FOREIGN, RENAMED, UNANSWERED = "own", "foreign", "renamed", "unanswered"
FEATURES: Mapping[str, tuple[str, ...]] = {
    "hybrid": ("similarity", "share"),
    "semantic": ("similarity",),
    "keyword": ("share",),
}
_ROUNDS = 10
_READ_LATER = {"EXTRACTION_DEBOUNCE_SECONDS": "3600", "EXTRACTION_LONGEST_WAIT_SECONDS": "7200"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question asked somewhere. rows: of each result `FEATURES`; right: which results answer; best: the highest
    `relevance` of a result, 0 where nothing was found."""

    conversation: str
    kind: str
    rows: Floats
    right: NDArray[np.bool_]
    best: float


def _renamed(question: str, own: Sequence[str], others: Sequence[str]) -> str | None:
    """The question with the speakers of another conversation in it; None where it names none."""
    names = dict(zip(own, others, strict=False))
    pattern = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in own))
    text = pattern.sub(lambda found: names.get(found.group(), found.group()), question)
    return None if text == question else text


def _speakers(conversation: Conversation) -> list[str]:
    return sorted({turn.speaker for session in conversation.sessions for turn in session.turns})


def _features(memory: dict[str, Any], names: Sequence[str]) -> list[float]:
    explain = memory["explain"]
    near = explain["similarity"] if explain["similarity"] is not None else 1.0 - (explain["distance"] or 1.0)
    values = {"similarity": near, "share": explain["share"] or 0.0}
    return [values[name] for name in names]


async def _ask(place: Target, query: Query, text: str, user: str, kind: str, mode: str) -> Asked:
    body = {
        "text": text,
        "search_mode": mode,
        "namespace": {"eq": place.namespace},
        "user_id": {"eq": user},
        "limit": RESULTS,
        "recency_boost": False,
        "explain": True,
    }
    memories = checked(await place.http.post("/v1/long-term-memory/search", json=body))["memories"]
    names = FEATURES[mode]
    rows = np.array([_features(memory, names) for memory in memories]).reshape(-1, len(names))
    right = np.array([kind == OWN and bool(query.evidence & set(memory["extracted_from"])) for memory in memories])
    best = max((memory.get("relevance", 0.0) for memory in memories), default=0.0)
    return Asked(query.conversation, kind, rows, right.astype(np.bool_), best)


async def _ask_everywhere(place: Target, corpus: Corpus, mode: str) -> list[Asked]:
    speakers = {conversation.id: _speakers(conversation) for conversation in corpus.conversations}
    asked = []
    for query in corpus.queries:
        for user, names in speakers.items():
            if user == query.conversation:
                kind = OWN if query.evidence else UNANSWERED
                asked.append(await _ask(place, query, query.question, user, kind, mode))
                continue
            asked.append(await _ask(place, query, query.question, user, FOREIGN, mode))
            renamed = _renamed(query.question, speakers[query.conversation], names)
            if renamed:
                asked.append(await _ask(place, query, renamed, user, RENAMED, mode))
    return asked


def logistic(rows: Floats, answers: Floats, weights: Floats) -> Floats:
    """Weights and bias of a logistic regression by Newton's method, shape (features + 1,)."""
    design = np.column_stack([rows, np.ones(len(rows))])
    found = np.zeros(design.shape[1])
    for _ in range(50):
        estimate = 1.0 / (1.0 + np.exp(-(design @ found)))
        gradient = design.T @ (weights * (estimate - answers)) + 1e-5 * found
        curvature = (design * (weights * estimate * (1.0 - estimate))[:, None]).T @ design
        found -= np.linalg.solve(curvature + 1e-5 * np.eye(len(found)), gradient)
    return found


def fitted(asked: Sequence[Asked]) -> Floats:
    """The estimate that tells the best right result of an answerable question from the best result of one that is asked
    elsewhere, both kinds of questions weighing alike. Which result is the best depends on the estimate, so it is fitted
    in rounds."""
    found = np.append(np.ones(asked[0].rows.shape[1]), 0.0)
    for _ in range(_ROUNDS):
        rows, answers = [], []
        for one in asked:
            usable = one.rows[one.right] if one.kind == OWN else one.rows
            if len(usable) and one.kind != UNANSWERED:
                rows.append(usable[int(np.argmax(usable @ found[:-1]))])
                answers.append(float(one.kind == OWN))
        right = np.array(answers)
        weights = np.where(right == 1.0, 0.5 / right.sum(), 0.5 / (1.0 - right).sum())
        found = logistic(np.array(rows), right, weights)
    return found


def separation(own: Floats, others: Floats) -> float:
    """Probability that a random one of `own` is above a random one of `others`; ties count half."""
    above = (own[:, None] > others[None, :]).mean() + 0.5 * (own[:, None] == others[None, :]).mean()
    return round(float(above), 3)


def _table(asked: Sequence[Asked]) -> dict[str, Any]:
    by_kind: dict[str, list[float]] = defaultdict(list)
    for one in asked:
        by_kind[one.kind].append(one.best)
    best = {kind: np.array(values) for kind, values in by_kind.items()}
    return {
        "questions": {kind: len(values) for kind, values in best.items()},
        "separation": {kind: separation(best[OWN], best[kind]) for kind in best if kind != OWN},
        "answered at floor": {
            str(floor): {kind: round(float((values >= floor).mean()), 3) for kind, values in best.items()}
            for floor in FLOORS
        },
    }


async def _measured(url: str, corpora: Sequence[Corpus]) -> dict[str, dict[str, list[Asked]]]:
    found: dict[str, dict[str, list[Asked]]] = defaultdict(dict)
    for corpus in corpora:
        async with target(url, None) as place:
            await ingest(place, corpus, lambda *_: None)
            for mode in FEATURES:
                found[mode][corpus.name] = await _ask_everywhere(place, corpus, mode)
    return found


def main() -> None:
    """Print for each mode and file how relevance separates the kinds of questions, and the fit if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True, help="conversation file, repeatable")
    parser.add_argument("--fit", action="append", default=[], help="id of a conversation to fit on, repeatable")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    corpora = [load(path) for path in options.data]
    with own_server(_READ_LATER) as running:
        found = asyncio.run(_measured(running.url, corpora))
    result: dict[str, Any] = {}
    for mode, by_corpus in found.items():
        chosen = [one for asked in by_corpus.values() for one in asked if one.conversation in options.fit]
        if chosen:
            result[f"{mode} fit"] = dict(zip((*FEATURES[mode], "bias"), fitted(chosen).round(2).tolist(), strict=True))
        for name, asked in by_corpus.items():
            result[f"{mode} {name}"] = _table([one for one in asked if one.conversation not in options.fit])
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""Measure what the int8 weights change against fp32: the vectors, the nearest ten, and retrieval.

    python agreement.py CONVERSATIONS.json [--record]

The file holds `conversations` (id, sessions of turns with id, speaker, text) and `queries` (conv, question, and the ids
of the turns that answer it as `evidence`). Only figures leave this script; --record puts them into model.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from export import GRAPH_FILE, TARGET, load_weights, save_graph, source_files
from graph import Encoder

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """turns: where its conversation's turns lie in the list of all turns; gold: those of them that answer it."""

    text: str
    turns: tuple[int, ...]
    gold: frozenset[int]


def read(path: Path) -> tuple[list[str], list[Question]]:
    """All turns as "Speaker: text", and the questions whose evidence is known."""
    data = json.loads(path.read_text(encoding="utf-8"))
    texts: list[str] = []
    place: dict[tuple[str, str], int] = {}
    for conversation in data["conversations"]:
        for turn in (turn for session in conversation["sessions"] for turn in session["turns"]):
            place[conversation["id"], turn["id"]] = len(texts)
            texts.append(f"{turn['speaker']}: {turn['text']}")
    questions = []
    for query in data["queries"]:
        gold = frozenset(place[query["conv"], turn] for turn in query["evidence"] if (query["conv"], turn) in place)
        turns = tuple(index for (conversation, _), index in place.items() if conversation == query["conv"])
        if gold:
            questions.append(Question(text=query["question"], turns=turns, gold=gold))
    return texts, questions


def embed(graph: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> Vectors:
    """One run per text; shape (len(texts), 384)."""
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    ids = (np.array([tokenizer.encode(text).ids], dtype=np.int64) for text in texts)
    return np.concatenate([session.run(None, {"input_ids": row})[0] for row in ids])


def recall(turns: Vectors, queries: Vectors, questions: Sequence[Question], k: int) -> tuple[float, float]:
    """Mean share of the gold turns among the first k by cosine, and the share of questions with any of them there."""
    shares = []
    for vector, question in zip(queries, questions, strict=True):
        own = np.array(question.turns)
        first = own[np.argsort(-(turns[own] @ vector), kind="stable")[:k]]
        shares.append(len(question.gold.intersection(first.tolist())) / len(question.gold))
    return float(np.mean(shares)), float(np.mean([share > 0 for share in shares]))


def overlap(a: tuple[Vectors, Vectors], b: tuple[Vectors, Vectors], k: int = 10) -> float:
    """Mean share of equal members in the k turns nearest to a question, over all turns; a pair is (turns, queries)."""
    nearest = [np.argsort(-(queries @ turns.T), axis=1, kind="stable")[:, :k].tolist() for turns, queries in (a, b)]
    return float(np.mean([len(set(one) & set(other)) / k for one, other in zip(*nearest, strict=True)]))


def measure(path: Path) -> dict[str, object]:
    """All figures, rounded to what they are worth."""
    texts, questions = read(path)
    weights_file, _ = source_files()
    tokenizer = Tokenizer.from_file(str(TARGET / "tokenizer.json"))
    asked = [question.text for question in questions]
    with tempfile.TemporaryDirectory() as folder:
        exact_graph = save_graph(Encoder(load_weights(weights_file), int8=False).build(), Path(folder))
        exact = embed(exact_graph, tokenizer, texts), embed(exact_graph, tokenizer, asked)
    graph = TARGET / GRAPH_FILE
    small = embed(graph, tokenizer, texts), embed(graph, tokenizer, asked)
    cosine = (exact[0] * small[0]).sum(axis=1)
    figures: dict[str, object] = {
        "texts": len(texts),
        "questions": len(questions),
        "cosine_mean": round(float(cosine.mean()), 4),
        "cosine_min": round(float(cosine.min()), 4),
        "top10_overlap": round(overlap(exact, small), 3),
    }
    for name, (turns, queries) in (("fp32", exact), ("int8", small)):
        for k in (5, 10):
            share, any_gold = recall(turns, queries, questions, k)
            figures[f"{name}_recall_at_{k}"] = round(share, 3)
            figures[f"{name}_any_at_{k}"] = round(any_gold, 3)
    return figures


def main() -> None:
    """Print the figures, and record them on request."""
    parser = argparse.ArgumentParser(description="Compare the int8 model with fp32.")
    parser.add_argument("conversations", type=Path)
    parser.add_argument("--record", action="store_true", help="write the figures into model.json")
    arguments = parser.parse_args()
    figures = measure(arguments.conversations)
    print(json.dumps(figures, indent=2))
    if arguments.record:
        description = json.loads((TARGET / "model.json").read_text(encoding="utf-8"))
        description["agreement"] = figures
        (TARGET / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

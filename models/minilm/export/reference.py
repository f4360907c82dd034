"""Print fp32 vectors of a few texts as JSON: what the tests of an embedder compare its vectors with."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

from agreement import embed
from export import TARGET, load_weights, save_graph, source_files
from graph import Encoder

TEXTS = (
    "Ada plays the cello and rehearses on Tuesday evenings.",
    "She practises her instrument every week.",
    "Interest rates were raised by a quarter of a point.",
    "hello",
    "Wo finde ich die nächste Bibliothek?",
    "The meeting moved from Monday to Thursday because the room was taken. " * 30,
)
DIGITS = 4


def main() -> None:
    """The last text is longer than the model's window."""
    weights, _ = source_files()
    tokenizer = Tokenizer.from_file(str(TARGET / "tokenizer.json"))
    with tempfile.TemporaryDirectory() as folder:
        vectors = embed(save_graph(Encoder(load_weights(weights), int8=False).build(), Path(folder)), tokenizer, TEXTS)
    entries = [
        {"text": text, "vector": [round(float(value), DIGITS) for value in vector]}
        for text, vector in zip(TEXTS, vectors, strict=True)
    ]
    print("[" + ",\n".join(map(json.dumps, entries)) + "]")


if __name__ == "__main__":
    main()

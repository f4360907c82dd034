"""What is known about models by name: context size, vector length and encoding. The facts are in models.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

BEDROCK = "bedrock/"
_PROVIDERS = ("openai/", "ollama/", BEDROCK, "sentence-transformers/", "local/", "anthropic/")
_NEWEST = ":latest"


def context_tokens(model: str) -> int | None:
    """Tokens the model reads at most; None for a model that is not listed."""
    return _fact("context_tokens", model)


def embedding_dimensions(model: str) -> int | None:
    """Floats per vector of an embedding model; None for a model that is not listed."""
    return _fact("embedding_dimensions", model)


def encoding(model: str) -> str | None:
    """The encoding of a model's tokens, by the beginning of its name; None where that is not public."""
    name = bare(model)
    found = [start for start in _facts()["encodings"] if name == start or name.startswith((f"{start}-", f"{start}."))]
    return _facts()["encodings"][max(found, key=len)] if found else None


def bare(model: str) -> str:
    """The name without its provider and without ":latest", aliases resolved."""
    for provider in _PROVIDERS:
        model = model.removeprefix(provider)
    model = model.removesuffix(_NEWEST)
    alias: str = _facts()["aliases"].get(model, model)
    return alias


def _fact(kind: str, model: str) -> int | None:
    value: int | None = _facts()[kind].get(bare(model))
    return value


@cache
def _facts() -> Mapping[str, Any]:
    facts: Mapping[str, Any] = json.loads(files(__package__).joinpath("models.json").read_text(encoding="utf-8"))
    return facts

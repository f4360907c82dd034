"""What is known about models by name."""

from __future__ import annotations

import pytest

from agent_memory_server.adapters.providers.catalogue import context_tokens, embedding_dimensions


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        ("text-embedding-3-small", 1536),
        ("openai/text-embedding-3-large", 3072),
        ("bedrock/amazon.titan-embed-text-v2:0", 1024),
        ("amazon.titan-embed-text-v1", 1536),
        ("cohere.embed-multilingual-v3", 1024),
        ("ollama/nomic-embed-text", 768),
        ("ollama/nomic-embed-text:latest", 768),
        ("sentence-transformers/all-MiniLM-L6-v2", 384),
        ("ollama/a-model-of-my-own", None),
        ("gpt-5", None),
    ],
)
def test_vector_lengths_are_known_with_and_without_the_provider(model: str, dimensions: int | None) -> None:
    assert embedding_dimensions(model) == dimensions


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4o", 128_000),
        ("gpt-5-mini", 400_000),
        ("gpt-4-32k", 32_768),
        ("o3-mini", 200_000),
        ("claude-opus-4-5", 200_000),
        ("anthropic/claude-3-7-sonnet-latest", 200_000),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", 200_000),
        ("text-embedding-ada-002", 8191),
        ("unheard-of", None),
    ],
)
def test_context_sizes_are_known_for_names_and_aliases(model: str, tokens: int | None) -> None:
    assert context_tokens(model) == tokens

"""Counting tokens by tiktoken: with its files, without them, and never by a download."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.adapters.providers.catalogue import encoding
from agent_memory_server.adapters.providers.encodings import FILES, TiktokenEncodings
from agent_memory_server.domain.tokens import estimate_tokens

THERE = importlib.util.find_spec("tiktoken") is not None
with_tiktoken = pytest.mark.skipif(not THERE, reason="tiktoken and the files of litellm are not installed")
TEXTS = ["user: Hello, how are you?", "", "<|endoftext|>", "Grüße aus Köln! 你好 \ud800", "a" * 50_000]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("openai/gpt-4.1", "o200k_base"),
        ("gpt-5.1-chat-latest", "o200k_base"),
        ("o1", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-32k", "cl100k_base"),
        ("gpt-3.5-turbo-16k", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("claude-sonnet-4-5", None),
        ("ollama/llama3.2", None),
        ("o12", None),
    ],
)
def test_the_encoding_of_a_model_is_known_by_its_name(model: str, name: str | None) -> None:
    assert encoding(model) == name


@pytest.mark.skipif(THERE, reason="tiktoken is installed")
def test_without_the_package_nothing_is_offered(tmp_path: Path) -> None:
    assert TiktokenEncodings(tmp_path).of("gpt-4o") is None
    assert TiktokenEncodings(tmp_path).available() == []


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fetches something fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something is fetched")

    if THERE:
        monkeypatch.setattr("tiktoken.load.read_file", refuse)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)


def of_litellm() -> Path:
    found = importlib.util.find_spec("litellm")
    assert found is not None
    return Path((found.submodule_search_locations or [""])[0]) / "litellm_core_utils/tokenizers"


@with_tiktoken
@pytest.mark.parametrize("name", list(FILES))
async def test_tokens_are_counted_by_the_files_that_litellm_ships(name: str) -> None:
    encodings = TiktokenEncodings()
    assert encodings.available() == list(FILES)
    first = await encodings.count(name, TEXTS)
    assert first is not None
    assert first[:3] == [8, 0, first[2]]
    assert first[2] > 1  # text of a user is no special token
    assert await encodings.count(name, TEXTS[::-1]) == first[::-1]
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


@with_tiktoken
async def test_files_of_a_folder_of_ones_own_are_used_and_damaged_ones_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = FILES["cl100k_base"].name, FILES["o200k_base"].name
    shutil.copy(of_litellm() / good, tmp_path)
    (tmp_path / bad).write_text("damaged")
    monkeypatch.setattr("agent_memory_server.adapters.providers.encodings._IN_LITELLM", Path("nowhere"))
    encodings = TiktokenEncodings(tmp_path)
    assert encodings.available() == ["cl100k_base"]
    assert encodings.of("gpt-4") == "cl100k_base"
    assert await encodings.count("cl100k_base", ["user: Hello, how are you?"]) == [8]
    assert encodings.of("gpt-4o") == "o200k_base"
    assert await encodings.count("o200k_base", ["user: Hello"]) is None
    assert (tmp_path / bad).read_text() == "damaged"
    assert TiktokenEncodings(tmp_path / "none").of("gpt-4") is None


@with_tiktoken
async def test_more_texts_than_are_remembered_are_counted_all_the_same() -> None:
    encodings = TiktokenEncodings()
    texts = [f"text {n}" for n in range(20_000)]
    found = await encodings.count("cl100k_base", texts)
    assert found == await encodings.count("cl100k_base", texts)
    assert set(found or ()) == {3, 4}


@with_tiktoken
async def test_the_estimate_is_near_the_count() -> None:
    text = "We went along the river for two days, slept at a mill, and paid 34 euros for the night. " * 20
    counted = await TiktokenEncodings().count("o200k_base", [text])
    assert estimate_tokens(text) == pytest.approx((counted or [0])[0], rel=0.1)

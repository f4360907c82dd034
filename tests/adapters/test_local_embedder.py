"""The model that is part of the installation."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

import agent_memory_model_minilm
from agent_memory_server.adapters.providers.local import LocalEmbedder, open_local
from agent_memory_server.domain.errors import StartRefused, Unavailable

FOLDER = agent_memory_model_minilm.directory()
REFERENCE = json.loads(Path(__file__).with_name("minilm_reference.json").read_text("utf-8"))


@pytest.fixture
async def embedder() -> AsyncIterator[LocalEmbedder]:
    embedder = await open_local(FOLDER)
    yield embedder
    await embedder.close()


async def test_vectors_agree_with_those_of_the_model_in_full_precision(embedder: LocalEmbedder) -> None:
    vectors = await embedder.embed([entry["text"] for entry in REFERENCE])
    cosines = (vectors * np.array([entry["vector"] for entry in REFERENCE])).sum(axis=1)
    assert cosines.min() > 0.97


async def test_meaning_brings_texts_together(embedder: LocalEmbedder) -> None:
    cello, practice, rates = await embedder.embed([entry["text"] for entry in REFERENCE[:3]])
    assert float(cello @ practice) > 0.4
    assert float(cello @ rates) < 0.2


async def test_many_texts_at_once_give_the_same_vectors_as_one_by_one(embedder: LocalEmbedder) -> None:
    texts = [("note " * (n % 40)) + str(n) for n in range(120)]
    together = await embedder.embed(texts)
    one_by_one = np.concatenate([await embedder.embed([text]) for text in texts])
    np.testing.assert_array_equal(together, one_by_one)


async def test_what_lies_behind_the_window_does_not_change_the_vector(embedder: LocalEmbedder) -> None:
    start = "word " * 300
    one, other = await embedder.embed([start, f"{start} and something else"])
    np.testing.assert_array_equal(one, other)


async def test_a_short_call_does_not_wait_for_the_whole_of_a_long_one(embedder: LocalEmbedder) -> None:
    long = asyncio.create_task(embedder.embed(["some words to embed " * 20] * 100))
    await asyncio.sleep(0)
    await embedder.embed(["a question"])
    assert not long.done()
    long.cancel()


async def test_closing_ends_the_threads_and_a_call_that_is_under_way() -> None:
    before = threading.active_count()
    embedder = await open_local(FOLDER, threads=2)
    call = asyncio.ensure_future(embedder.embed(["some words to embed " * 20] * 200))
    await embedder.embed(["loaded"])
    await embedder.close()
    with pytest.raises(Unavailable, match="closed"):
        await call
    with pytest.raises(Unavailable, match="closed"):
        await embedder.embed(["too late"])
    assert [thread for thread in threading.enumerate() if thread.name.startswith("embedding")] == []
    assert threading.active_count() <= before + 1  # asyncio's own pool


async def test_a_folder_without_a_model_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=r"model\.json"):
        await open_local(tmp_path)


async def test_a_missing_file_refuses_the_start_by_name(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    (tmp_path / "model" / "model.onnx.data").unlink()
    with pytest.raises(StartRefused, match=r"model\.onnx\.data"):
        await open_local(tmp_path / "model")


async def test_a_damaged_model_makes_calls_fail_as_unavailable(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    (tmp_path / "model" / "model.onnx").write_bytes(b"not a graph")
    embedder = await open_local(tmp_path / "model")
    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot be loaded"):
            await embedder.embed(["anything"])
    await embedder.close()

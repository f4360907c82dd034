"""The embedder without a model."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from agent_memory_server.adapters.providers.deterministic import MAX_CHARS, DeterministicEmbedder


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    program = (
        "import asyncio; from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder as E;"
        "print(asyncio.run(E().embed(['Ada plays the cello'])).tobytes().hex())"
    )
    one, other = (
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )
    assert one == other


async def test_a_vector_stays_what_it_was_in_earlier_versions() -> None:
    vector = (await DeterministicEmbedder(16).embed(["Ada plays the cello, Ada sings"]))[0]
    expected = np.array([-2, -1, 0, 0, -2, 2, 1, -2, 0, 0, -1, 0, 0, 0, -1, -2]) / 24**0.5
    np.testing.assert_allclose(vector, expected, atol=1e-6)


async def test_texts_with_words_in_common_are_nearer_than_others() -> None:
    cello, also_cello, rates = await DeterministicEmbedder().embed(
        ["Ada plays the CELLO.", "the cello that Ada plays", "interest rates rise again"]
    )
    assert float(cello @ also_cello) > 0.7
    assert abs(float(cello @ rates)) < 0.3


@pytest.mark.parametrize("text", ["", "...", " \n"])
async def test_a_text_without_words_is_the_first_unit_vector(text: str) -> None:
    vector = (await DeterministicEmbedder(4).embed([text]))[0]
    assert vector.tolist() == [1, 0, 0, 0]


async def test_words_that_cancel_each_other_still_give_a_direction() -> None:
    one_dimension = await DeterministicEmbedder(1).embed([f"word{n} other{n}" for n in range(50)])
    assert set(np.abs(one_dimension).ravel().tolist()) == {1.0}


async def test_the_end_of_a_very_long_text_is_not_read() -> None:
    start = "word " * (MAX_CHARS // 5 + 1)
    one, other = await DeterministicEmbedder().embed([start, f"{start} end"])
    np.testing.assert_array_equal(one, other)

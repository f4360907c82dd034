"""The model that is part of the installation, run on this machine's CPU.

Texts run one at a time. A batch would need padding, and a padded batch changes a text's vector with its neighbours
(activations are quantised with a scale of the whole tensor; measured down to a cosine of 0.974) without being faster on
one thread (3.3 ms a text either way). So equal texts give equal vectors, bit for bit. Concurrent calls take turns in
short slices instead: a query behind a long import waits for a slice, not for the import.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from agent_memory_server.adapters.providers.texts import refuse_broken
from agent_memory_server.domain.errors import StartRefused, Unavailable

CHARS_PER_TOKEN = 32
"""Characters read for each token of the model's window: prose has about 4, so only padding and noise is cut."""

SLICE_CHARS = 512
"""What a call may run without giving way to others, in characters: about 12 ms."""

CHARS_OF_A_RUN = 24
"""What a run costs besides its characters, in characters: 0.6 ms."""

_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder with model.onnx, tokenizer.json and the model.json that describes them."""

    path: Path
    name: str
    dimensions: int
    max_tokens: int

    @classmethod
    def read(cls, path: Path) -> ModelFolder:
        """Raises: StartRefused, when a file is missing or the description cannot be read."""
        try:
            facts = json.loads((path / "model.json").read_text(encoding="utf-8"))
            folder = cls(path, str(facts["name"]), int(facts["dimensions"]), int(facts["max_tokens"]))
            missing = [name for name in facts["sha256"] if not (path / name).is_file()]
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise StartRefused(f"{path / 'model.json'} does not describe an embedding model: {exc}") from exc
        if missing:
            raise StartRefused(f"{path} has no {', '.join(missing)}: install the package of the model again")
        return folder


class LocalEmbedder:
    """Runs a model folder on threads of its own. Made by `open_local`, which starts loading at once."""

    def __init__(self, folder: ModelFolder, *, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedding")
        self._loading: Future[_Model] = self._pool.submit(_Model, folder)
        self._closed = False

    @property
    def model(self) -> str:
        """The name stored beside the vectors."""
        return self._folder.name

    @property
    def dimensions(self) -> int:
        """Floats per vector."""
        return self._folder.dimensions

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimensions), unit rows; a text is read up to the model's window.

        Raises: InvalidRequest for a text that is no Unicode; Unavailable, when the model cannot be loaded or is closed.
        """
        refuse_broken(texts)
        slices = list(_slices(texts, longest=self._folder.max_tokens * CHARS_PER_TOKEN))
        rows: list[NDArray[np.float32]] = []
        for first in range(0, len(slices), self._threads):
            rows += await asyncio.gather(*map(self._run, slices[first : first + self._threads]))
        return np.concatenate(rows) if rows else np.empty((0, self.dimensions), dtype=np.float32)

    async def close(self) -> None:
        """Finish the slices that are queued, at most one for each call and thread, and end the threads. Idempotent."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown, wait=True)

    def _run(self, texts: Sequence[str]) -> asyncio.Future[NDArray[np.float32]]:
        if self._closed:
            raise Unavailable("the local embedding model is closed")
        return asyncio.get_running_loop().run_in_executor(self._pool, self._embed, texts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            model = self._loading.result()
        except Exception as exc:
            raise Unavailable(f"the local embedding model in {self._folder.path} cannot be loaded: {exc}") from exc
        return np.concatenate([model.run(text) for text in texts])


async def open_local(path: Path, *, threads: int = 1) -> LocalEmbedder:
    """An embedder whose model loads in the background (about 0.3 s); the first call waits for it.

    Raises: StartRefused, when the folder does not hold a model.
    """
    return LocalEmbedder(await asyncio.to_thread(ModelFolder.read, path), threads=threads)


class _Model:
    """A loaded session and its tokenizer. Several threads may run it at once."""

    def __init__(self, folder: ModelFolder) -> None:
        import onnxruntime  # noqa: PLC0415 - 0.2 s: imported on the model's own thread, while the server starts

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = 1  # a thread per text scales better than threads within one
        options.inter_op_num_threads = 1
        # The arena and the memory plan keep the largest run's buffers for ever: 25 MB after one long text.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        graph = str(folder.path / "model.onnx")
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
        self._tokenizer.enable_truncation(folder.max_tokens)
        self._tokenizer.no_padding()
        self.run("warm")

    def run(self, text: str) -> NDArray[np.float32]:
        """The vector of one text, shape (1, dimensions), unit length."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        vector: NDArray[np.float32] = self._session.run(None, {"input_ids": ids})[0]
        return vector


def _slices(texts: Sequence[str], *, longest: int) -> Iterator[list[str]]:
    """Texts cut to `longest` characters, in slices of SLICE_CHARS or a single longer text."""
    slice_: list[str] = []
    chars = 0
    for text in texts:
        cut = text[:longest]
        cost = len(cut) + CHARS_OF_A_RUN
        if slice_ and chars + cost > SLICE_CHARS:
            yield slice_
            slice_, chars = [], 0
        slice_.append(cut)
        chars += cost
    if slice_:
        yield slice_

"""Tokens counted by tiktoken, where that package and the files of its encodings are there.

tiktoken fetches a file that it misses, and one that is damaged it deletes and fetches anew. So a file is looked at
first, and tiktoken is called only where it will find what it wants. Files lie in the folder that `TIKTOKEN_CACHE_DIR`
names, or within the package litellm, which ships two of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from agent_memory_server.adapters.providers.catalogue import encoding

_CACHE_DIR = "TIKTOKEN_CACHE_DIR"
_IN_LITELLM = Path("litellm_core_utils") / "tokenizers"
_REMEMBERED = 16_384
_SLICE = 20_000
"""Characters that are encoded at a time: the cost of a text without spaces grows faster than its length. A cut costs a
token at most."""


@dataclass(frozen=True, slots=True)
class _File:
    """name: SHA-1 of the address of an encoding, by which tiktoken names its file. digest: SHA-256 of its content, as
    tiktoken expects it."""

    name: str
    digest: str


FILES: Final = {
    "cl100k_base": _File(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
    ),
    "o200k_base": _File(
        "fb374d419588a4632f3f557e76b4b70aebbca790", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    ),
}

log = structlog.get_logger()


class TiktokenEncodings:
    """`Encodings` over the files that are there. An encoding is loaded on first use: 0.2 to 0.4 s, 45 to 70 MB."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where files are, beside those of litellm."""
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: dict[str, Any] = {}
        self._places: dict[str, Path | None] = {}
        # By encoding, hash and length of the text: clients send the same messages again and again.
        self._known: dict[tuple[str, int, int], int] = {}

    def of(self, model: str) -> str | None:
        """See `Encodings.of`."""
        name = encoding(model)
        return name if name and self._place(name) else None

    def available(self) -> list[str]:
        """The encodings that can be loaded; reads their files."""
        return [name for name in FILES if (place := self._place(name)) and _whole(place, FILES[name])]

    def _place(self, name: str) -> Path | None:
        """The folder of an encoding's file; None: there is none, or no tiktoken to read it."""
        if name not in self._places:
            found = (one for one in _folders(self._folder) if (one / FILES[name].name).is_file())
            self._places[name] = next(found, None)
        return self._places[name]

    async def count(self, encoding: str, texts: Sequence[str]) -> list[int] | None:
        """See `Encodings.count`."""
        keys = [(encoding, hash(text), len(text)) for text in texts]
        known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            found = await asyncio.to_thread(self._counted, encoding, list(new.values()))
            if found is None:
                return None
            known.update(zip(new, found, strict=True))
            if len(self._known) + len(new) > _REMEMBERED:
                self._known.clear()
            self._known.update(known)
        return [known[key] for key in keys]

    def _counted(self, name: str, texts: Sequence[str]) -> list[int] | None:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
        found = self._loaded[name]
        if found is None:
            return None
        slices = ((text[at : at + _SLICE] for at in range(0, len(text), _SLICE)) for text in texts)
        return [sum(len(found.encode_ordinary(one)) for one in parts) for parts in slices]

    def _load(self, name: str) -> Any:
        """The encoding; None where its file is gone or damaged."""
        place = self._place(name)
        if place is None or not _whole(place, FILES[name]):
            return None
        before = os.environ.get(_CACHE_DIR)
        os.environ[_CACHE_DIR] = str(place)
        try:
            return importlib.import_module("tiktoken").get_encoding(name)
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, tokens can be estimated
            log.warning("tokens.estimated", encoding=name, reason=type(exc).__name__)
            return None
        finally:
            if before is None:
                os.environ.pop(_CACHE_DIR, None)
            else:
                os.environ[_CACHE_DIR] = before


def _folders(given: Path | None) -> Iterator[Path]:
    if importlib.util.find_spec("tiktoken") is None:
        return
    if given is not None:
        yield given
    litellm = importlib.util.find_spec("litellm")  # which does not import it
    for root in (litellm and litellm.submodule_search_locations) or ():
        yield Path(root) / _IN_LITELLM


def _whole(place: Path, file: _File) -> bool:
    """Whether the file is there with the content that tiktoken expects."""
    try:
        return hashlib.sha256((place / file.name).read_bytes()).hexdigest() == file.digest
    except OSError:
        return False

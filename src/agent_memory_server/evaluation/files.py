"""Conversation files: which format a path holds, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.formats.beam import is_beam_rows, read_beam, read_beam_rows
from agent_memory_server.evaluation.formats.locomo import is_locomo, read_locomo
from agent_memory_server.evaluation.formats.longmemeval import is_longmemeval, read_longmemeval
from agent_memory_server.evaluation.formats.native import is_native, read_native
from agent_memory_server.evaluation.formats.realtalk import is_realtalk, read_realtalk

_CHAT = "chat.json"
_QUESTIONS = ("probing_questions/probing_questions.json", "probing_questions.json")


def load(path: Path) -> Corpus:
    """Read a file of our own format, LoCoMo, LongMemEval, BEAM or REALTALK, or a folder of BEAM or REALTALK, whichever
    it is by its shape. Raises: InvalidRequest, which names what is missing or wrong."""
    with _told(path):
        if path.is_dir() or path.name == _CHAT:
            return _folder(path if path.is_dir() else path.parent)
        raw = _json(path)
        if is_native(raw):
            return read_native(raw, path.stem)
        if is_locomo(raw):
            return read_locomo(raw, path.stem)
        if is_longmemeval(raw):
            return read_longmemeval(raw, path.stem)
        if is_beam_rows(raw):
            return read_beam_rows(raw, path.stem)
        if is_realtalk(raw):
            return read_realtalk([(path.stem, raw)], path.stem)
        raise InvalidRequest("a member 'conversations' is missing, and it is no LoCoMo, LongMemEval, BEAM or REALTALK")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    refused = f"{path} is not a conversation file"
    try:
        yield
    except OSError as exc:
        raise InvalidRequest(f"{exc.filename or path} cannot be read: {exc.strerror}") from exc
    except KeyError as exc:
        raise InvalidRequest(f"{refused}: a member {exc} is missing") from exc
    except (ValueError, TypeError, AttributeError, InvalidRequest) as exc:
        raise InvalidRequest(f"{refused}: {exc}") from exc


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _folder(folder: Path) -> Corpus:
    talks = (
        [folder]
        if (folder / _CHAT).is_file()
        else sorted({chat.parent for chat in folder.glob(f"*/{_CHAT}")}, key=_by_number)
    )
    if talks:
        return read_beam([_beam(talk) for talk in talks], folder.name)
    read = [(path.stem, _json(path)) for path in sorted(folder.glob("*.json"))]
    records = [(name, raw) for name, raw in read if is_realtalk(raw)]
    if records:
        return read_realtalk(records, folder.name)
    raise InvalidRequest(f"the folder holds neither BEAM ({_CHAT}) nor REALTALK (session_1, qa)")


def _by_number(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdecimal() else -1, folder.name)


def _beam(folder: Path) -> tuple[str, list[Any], dict[str, Any]]:
    questions = next((folder / name for name in _QUESTIONS if (folder / name).is_file()), folder / _QUESTIONS[0])
    return f"{folder.parent.name}-{folder.name}", _json(folder / _CHAT), _json(questions)

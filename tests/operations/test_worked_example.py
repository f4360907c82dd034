"""The worked example of `docs/explanation/how-search-works.md` is what a search really does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import Hit, Mode
from agent_memory_server.operations.search import Question, search
from tests.operations.given import NOW, append, embed_everything, turn
from tests.support.rest import application

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/how-search-works.md"
_ROW = re.compile(r"^\| \d+ `(?P<speaker>\w+): (?P<text>[^`]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
_QUERY = re.compile(r"the query is `([^`]+)`")


def _shown() -> tuple[str, dict[str, tuple[str, list[str]]]]:
    """The query; text of a turn → its speaker, and the cells of its row."""
    example = PAGE.read_text("utf-8").partition("### An example\n")[2].partition("\n## ")[0]
    query = _QUERY.search(example)
    assert query is not None
    rows = {
        found["text"]: (found["speaker"], [cell.strip() for cell in found["cells"].split("|")])
        for found in _ROW.finditer(example)
    }
    assert len(rows) == 3
    return query[1], rows


def _cells(hit: Hit) -> list[str]:
    seen = hit.evidence
    assert seen is not None
    assert hit.relevance is not None
    return [
        " ".join(seen.matched_words),
        f"{seen.similarity:.2f}",
        f"{seen.words:.2f}",
        f"{seen.factor:g}",
        f"{hit.score:.2f}",
        f"{hit.relevance:.2f}",
    ]


async def test_the_example_shows_what_a_search_finds_and_in_this_order(tmp_path: Path) -> None:
    query, rows = _shown()
    embedder = await open_embedder(EmbeddingSettings())
    async with application(tmp_path, embedder=embedder) as app:
        turns = [
            turn(str(n), text, role=speaker, created_at=NOW + n) for n, (text, (speaker, _)) in enumerate(rows.items())
        ]
        await append(app, *turns)
        await embed_everything(app)
        found = await search(app, LOCAL, Question(text=query, mode=Mode.HYBRID, recency=None, explain=True))
    by_score = sorted(rows.values(), key=lambda row: -float(row[1][4]))
    assert [hit.memory.text.partition(": ")[0] for hit in found.hits] == [speaker for speaker, _ in by_score]
    for hit in found.hits:
        shown = rows[hit.memory.text.partition(": ")[2]][1]
        computed = _cells(hit)
        assert computed[0] == shown[0]
        # Vectors differ in the last digits from one kind of processor to another.
        assert [float(cell) for cell in computed[1:]] == pytest.approx([float(cell) for cell in shown[1:]], abs=0.03)

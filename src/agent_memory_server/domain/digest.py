"""A summary without a model: the sentences that say most, word for word, under a heading that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent_memory_server.domain.tokens import estimate_tokens

HEADING = "Extract of the earlier conversation (chosen sentences, word for word; no language model took part):"
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")  # noqa: RUF001 - the full stops of Chinese and Japanese
_WORD = re.compile(r"[^\W\d_]{4,}")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'-]+")
_NUMBER = re.compile(r"\d+")
_LONGEST_CHARS = 300
_OF_ONE_TURN = 2


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    score: float


def extract(previous: str | None, turns: Iterable[tuple[str, str]], *, budget_tokens: int) -> str:
    """The earlier extract and these turns (role, content), oldest first, in at most about `budget_tokens` tokens.

    Of each turn come its best sentences, as `- role: sentence`; beyond the budget the ones that say least go first, of
    equal ones the oldest. A `previous` that is no extract is kept above the heading as it is.
    """
    above, lines = _parted(previous or "")
    for role, content in turns:
        lines += [_line(f"- {role}: {sentence}") for sentence in _best(content)]
    room = budget_tokens - estimate_tokens(HEADING) - estimate_tokens(above)
    kept = _within(lines, room)
    return "\n".join(([above, ""] if above else []) + [HEADING, *(line.text for line in kept)])


def _parted(previous: str) -> tuple[str, list[_Line]]:
    above, found, below = previous.partition(HEADING)
    if not found:
        return previous.strip(), []
    return above.strip(), [_line(line) for line in below.splitlines() if line.startswith("- ")]


def _line(text: str) -> _Line:
    return _Line(text, _score(text))


def _score(text: str) -> float:
    """How much a sentence says: distinct longer words, names and numbers count; questions say less than answers."""
    words = len({word.lower() for word in _WORD.findall(text)})
    score = words + 2 * len(set(_NAME.findall(text))) + 2 * len(_NUMBER.findall(text))
    return score * (0.5 if text.rstrip().endswith(("?", "？")) else 1.0)  # noqa: RUF001


def _best(content: str) -> list[str]:
    """The best sentences of a turn, in their order; at least one of a turn that is not blank."""
    sentences = [" ".join(found.split())[:_LONGEST_CHARS] for found in _SENTENCE.findall(content) if found.strip()]
    if len(sentences) <= _OF_ONE_TURN:
        return sentences
    ranked = sorted(range(len(sentences)), key=lambda n: (-_score(sentences[n]), n))[:_OF_ONE_TURN]
    return [sentences[n] for n in sorted(ranked)]


def _within(lines: Sequence[_Line], room: int) -> list[_Line]:
    sizes = [estimate_tokens(line.text) + 1 for line in lines]
    over = sum(sizes) - room
    dropped: set[int] = set()
    for n in sorted(range(len(lines)), key=lambda n: (lines[n].score, n)):
        if over <= 0 or len(dropped) == len(lines) - 1:  # one line always stays
            break
        dropped.add(n)
        over -= sizes[n]
    return [line for n, line in enumerate(lines) if n not in dropped]

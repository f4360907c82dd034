"""What two memories are to each other: by rules, and where these see two facts, by a chat model that is asked once.

The model says whether two near memories tell the same, contradict each other, or are two facts. What it says is kept,
so that no pair is asked twice, and checked: the text that is to stand for both must hold what both say, word by word
(`domain.merging`), else they stay two.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from agent_memory_server.domain.decision import Decision, Kind, Outcome, Reason
from agent_memory_server.domain.errors import InvalidRequest, MemoryServerError
from agent_memory_server.domain.fencing import DATA_RULE, fenced_lines
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.merging import objection, stands_for
from agent_memory_server.domain.sameness import Relation, relation
from agent_memory_server.domain.tokens import estimate_tokens
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.decided import Question, answers_to, keep_answers
from agent_memory_server.operations.decision_log import RULES, note
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest

PAIRS_AT_ONCE = 12
"""Pairs in one question at most, all of one namespace and user."""

MOST_TOKENS = 3000
"""Of memories in one question."""

LONGEST_CHARS = 2000
"""Of a memory that a model compares: a longer one is a document, no fact, and no other text stands for it."""

_PURPOSE = "merging"
_RELATIONS = {"same": Relation.SAME, "contradicts": Relation.CONTRADICTION, "different": Relation.DIFFERENT}
_ANSWER = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "relation": {"type": "string", "enum": list(_RELATIONS)},
        "text": {"type": "string"},
    },
    "required": ["number", "relation", "text"],
    "additionalProperties": False,
}
SCHEMA: Final = {
    "type": "object",
    "properties": {"pairs": {"type": "array", "items": _ANSWER}},
    "required": ["pairs"],
    "additionalProperties": False,
}
_INSTRUCTIONS = (
    "You compare memories that an assistant keeps about one person. Answer for every numbered pair. `same`: both tell "
    "the same fact, in other words or one with more detail. `contradicts`: both cannot be true at the same time, so "
    "something has changed. `different`: two facts that can both be true; also when in doubt. For `same` give `text`: "
    "one sentence in the words of the memories that holds every detail of both, each name, number, date and negation, "
    "and nothing else, in their language. Otherwise `text` is empty."
)

log = structlog.get_logger()

Pair = tuple[str, str]
"""Two texts, in the order of their characters."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """relation: what the texts are to each other. text: of SAME, what stands for both; "" where each does.
    by: who said so. refused: why a SAME of the model does not count."""

    relation: Relation
    text: str = ""
    by: str = RULES
    refused: Reason | None = None


@dataclass(slots=True)
class Verdicts:
    """What is known of pairs of texts. unasked: pairs that no model could be asked about, and failure, why."""

    decided: dict[Pair, Verdict] = field(default_factory=dict)
    unasked: set[Pair] = field(default_factory=set)
    failure: MemoryServerError | None = None

    def on(self, one: Memory, other: Memory) -> Verdict:
        """What two memories are to each other, as far as is known: else two facts."""
        by_rule = relation(one.text, other.text)
        if by_rule is not Relation.DIFFERENT:
            return Verdict(by_rule)
        return self.decided.get(pair_of(one, other), Verdict(Relation.DIFFERENT))

    def open(self, one: Memory, other: Memory) -> bool:
        """Whether a model is still to be asked about them."""
        return pair_of(one, other) in self.unasked


def pair_of(one: Memory, other: Memory) -> Pair:
    """Their texts."""
    return (one.text, other.text) if one.text <= other.text else (other.text, one.text)


async def verdicts_on(
    app: Application, pairs: Iterable[tuple[Memory, Memory]], *, until: float | None = None
) -> Verdicts:
    """Verdicts on pairs of near memories, each pair of one namespace and user. Without a model the rules' alone.

    until: of `time.monotonic`; what is not asked by then stays unasked.

    A model that fails leaves pairs unasked; what it said before that is kept. Raises: Unavailable (the store).
    """
    verdicts = Verdicts()
    model = app.fast_chat or app.chat
    if model is None:
        return verdicts
    open_: dict[Pair, tuple[Memory, Memory]] = {}
    for one, other in pairs:
        if max(len(one.text), len(other.text)) > LONGEST_CHARS:
            continue
        if relation(one.text, other.text) is Relation.DIFFERENT:
            open_.setdefault(pair_of(one, other), (one, other))
    asked = {_question_of(model, pair): pair for pair in open_}
    known = await answers_to(app.decisions, asked)
    verdicts.decided = {
        asked[question]: Verdict(Relation(said), text, model.model) for question, (said, text) in known.items()
    }
    left = {pair: _place(memories) for pair, memories in open_.items() if pair not in verdicts.decided}
    for question in _questions(left):
        if verdicts.failure is None and (until is None or time.monotonic() < until):
            await _ask(app, model, question, verdicts)
        else:
            verdicts.unasked.update(question)
    fresh = ((open_[pair], verdicts.decided[pair]) for pair in left if pair in verdicts.decided)
    await note(app, [_refusal(app, memories, verdict) for memories, verdict in fresh if verdict.refused])
    return verdicts


def _place(memories: tuple[Memory, Memory]) -> tuple[str, str]:
    return memories[0].namespace, memories[0].user_id


def _refusal(app: Application, memories: tuple[Memory, Memory], verdict: Verdict) -> Decision:
    namespace, user_id = _place(memories)
    return Decision(
        at=app.clock(),
        kind=Kind.MERGE,
        outcome=Outcome.REFUSED,
        reason=verdict.refused or Reason.WORDS_LOST,
        by=verdict.by,
        namespace=namespace,
        user_id=user_id,
        memory_ids=tuple(memory.id for memory in memories),
    )


def _question_of(model: ChatModel, pair: Pair) -> Question:
    return (_PURPOSE, model.model, *pair)


def _questions(places: Mapping[Pair, tuple[str, str]]) -> Iterable[list[Pair]]:
    """The pairs in portions of one place each: what one user told is never shown beside what another did."""
    by_place: dict[tuple[str, str], list[Pair]] = {}
    for pair, place in places.items():
        by_place.setdefault(place, []).append(pair)
    for pairs in by_place.values():
        question: list[Pair] = []
        tokens = 0
        for pair in pairs:
            size = sum(map(estimate_tokens, pair))
            if question and (len(question) == PAIRS_AT_ONCE or tokens + size > MOST_TOKENS):
                yield question
                question, tokens = [], 0
            question.append(pair)
            tokens += size
        yield question


async def _ask(app: Application, model: ChatModel, pairs: Sequence[Pair], verdicts: Verdicts) -> None:
    """Ask about these pairs, and keep what was said."""
    try:
        answers = await _answers(model, pairs)
    except InvalidRequest as exc:
        if len(pairs) > 1:  # one of them is refused: each for itself
            for pair in pairs:
                await _ask(app, model, [pair], verdicts)
            return
        log.warning("merging.refused", code=exc.code)
        answers = {}
    except MemoryServerError as exc:
        verdicts.unasked.update(pairs)
        verdicts.failure = exc
        return
    decided = {pair: answers.get(pair, Verdict(Relation.DIFFERENT)) for pair in pairs}
    said = {_question_of(model, pair): [one.relation.value, one.text] for pair, one in decided.items()}
    await keep_answers(app.decisions, said)
    verdicts.decided |= decided


async def _answers(model: ChatModel, pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
    lines = [{"number": number, "one": one, "other": other} for number, (one, other) in enumerate(pairs, 1)]
    answer = await model.ask(
        ChatRequest(
            purpose=_PURPOSE,
            instructions=f"{_INSTRUCTIONS} {DATA_RULE}",
            text=fenced_lines("pairs", lines),
            schema=SCHEMA,
            may_lack=frozenset({"text"}),
            answer_tokens=256 + sum(60 + estimate_tokens(one) + estimate_tokens(other) for one, other in pairs),
        )
    )
    found: dict[Pair, Verdict] = {}
    for item in answer.value["pairs"]:
        if 1 <= item["number"] <= len(pairs):
            pair = pairs[item["number"] - 1]
            said = _checked(item, pair, model.model)
            # Who says two things of one pair says nothing.
            found[pair] = said if found.get(pair, said) == said else Verdict(Relation.DIFFERENT, by=model.model)
    return found


def _checked(item: Mapping[str, Any], pair: Pair, model: str) -> Verdict:
    """What the model said of a pair, as far as it can be believed."""
    said = _RELATIONS[item["relation"]]
    if said is not Relation.SAME:
        return Verdict(said, by=model)
    # Where one of the two says all that both say, it stands as it is, and nothing is embedded again.
    standing = [text for text in pair if stands_for(text, pair, every_word=True)]
    if standing:
        return Verdict(said, standing[0] if len(standing) == 1 else "", model)
    text = " ".join(item["text"].split())
    refused = objection(text, pair) if text else objection(pair[0], pair, every_word=True)
    if refused is None:
        return Verdict(said, text, model)
    return Verdict(Relation.DIFFERENT, by=model, refused=refused)

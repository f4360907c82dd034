"""Whether what would be remembered is supported, and tells the facts, as a chat model sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.fencing import DATA_RULE, fenced_lines
from agent_memory_server.evaluation.conversations import Fact
from agent_memory_server.evaluation.reading import Portion
from agent_memory_server.evaluation.verdicts import Verdicts
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest

AT_ONCE = 25
"""Claims or facts in one question."""

_SUPPORTED = ("supported", "unsupported")
_TOLD = ("told", "missing")
_CLAIMS: Final = (
    "You check what an assistant wants to remember of a conversation. For every numbered claim answer `supported` if "
    "what the messages say makes it true, with the right person, number, date and negation; `unsupported` if they do "
    "not say it, say otherwise, or say it only as a question, wish or condition. Judge by the messages alone."
)
_FACTS: Final = (
    "You check what an assistant remembers of a conversation. For every numbered fact answer `told` if one of the "
    "memories tells it, in whatever words, with the right person, number, date and negation; else `missing`."
)


async def by_model(model: ChatModel, portion: Portion, facts: Sequence[Fact]) -> Verdicts:
    """facts: those of the portion's conversation whose turns are in the portion.

    What the model leaves out twice counts as unsupported, or missing. Raises: Unavailable, DeadlineExceeded,
    InvalidRequest.
    """
    messages = [{"id": turn.id, "role": turn.speaker, "text": turn.text} for turn in portion.turns]
    memories = [{"text": claim.text} for claim in portion.claims]
    claims = [claim.text for claim in portion.claims]
    supported = await _asked(model, _CLAIMS, ("messages", messages), claims, _SUPPORTED)
    told = await _asked(model, _FACTS, ("memories", memories), [fact.text for fact in facts], _TOLD) if claims else {}
    return Verdicts(
        tuple(supported.get(number) == _SUPPORTED[0] for number in range(len(claims))),
        frozenset(fact.id for number, fact in enumerate(facts) if told.get(number) == _TOLD[0]),
    )


async def _asked(
    model: ChatModel,
    instructions: str,
    given: tuple[str, Sequence[Mapping[str, Any]]],
    texts: Sequence[str],
    verdicts: tuple[str, str],
) -> dict[int, str]:
    """Verdicts by the place of a text. What an answer leaves out is asked about once more."""
    found: dict[int, str] = {}
    for start in range(0, len(texts), AT_ONCE):
        open_ = list(range(start, min(start + AT_ONCE, len(texts))))
        for _ in range(2):
            if open_:
                found |= await _ask(model, instructions, given, {place: texts[place] for place in open_}, verdicts)
                open_ = [place for place in open_ if place not in found]
    return found


async def _ask(
    model: ChatModel,
    instructions: str,
    given: tuple[str, Sequence[Mapping[str, Any]]],
    texts: Mapping[int, str],
    verdicts: tuple[str, str],
) -> dict[int, str]:
    places = list(texts)
    item = {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "verdict": {"type": "string", "enum": list(verdicts)}},
        "required": ["number", "verdict"],
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"verdicts": {"type": "array", "items": item}},
        "required": ["verdicts"],
        "additionalProperties": False,
    }
    lines = [{"number": number, "text": texts[place]} for number, place in enumerate(places, 1)]
    what = "claims" if verdicts == _SUPPORTED else "facts"
    answer = await model.ask(
        ChatRequest(
            purpose="evaluation",
            instructions=f"{instructions} {DATA_RULE}",
            text=f"{fenced_lines(*given)}\n{fenced_lines(what, lines)}",
            schema=schema,
            answer_tokens=256 + 30 * len(lines),
        )
    )
    if not isinstance(answer.value, dict):
        raise Unavailable("the judging model gave no verdicts")
    return {
        places[one["number"] - 1]: one["verdict"]
        for one in answer.value["verdicts"]
        if 1 <= one["number"] <= len(places)
    }

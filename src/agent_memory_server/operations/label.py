"""Topics and entities by a chat model, for records that a caller stored without them.

One question asks for both, of many records of one namespace and user. What was said of a text is kept, also when there
is nothing to say, so no text is asked about twice. What is owed is part of the stored state; without a model it stays
owed. Nothing is embedded again, and no version is kept: the record tells what it told before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from agent_memory_server.domain.decision import Decision, Kind, Outcome, Reason
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.fencing import DATA_RULE, fenced_lines
from agent_memory_server.domain.labels import cleaned
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.tokens import estimate_tokens
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.decided import Question, answers_to, keep_answers
from agent_memory_server.operations.decision_log import note
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from agent_memory_server.ports.jobs import Job
from agent_memory_server.ports.memory_store import Labels

KIND = "label_memories"
AT_ONCE = 100
"""Records looked at in one step."""

TEXTS_AT_ONCE = 20
"""In one question, at most."""

MOST_TOKENS = 3000
"""Of texts in one question; a longer text is alone in its question, and cut."""

_PURPOSE = "labels"
_MOST_CHARS = 8000
_LONGEST_LABEL = 100
_MOST_ENTITIES = 20
_READ = "extracted_by"
_DAY_S = 86_400.0
_STRINGS = {"type": "array", "items": {"type": "string"}}
_MEMBERS = {"number": {"type": "integer"}, "topics": _STRINGS, "entities": _STRINGS}
_ITEM = {"type": "object", "properties": _MEMBERS, "required": list(_MEMBERS), "additionalProperties": False}
SCHEMA: Final = {
    "type": "object",
    "properties": {"memories": {"type": "array", "items": _ITEM}},
    "required": ["memories"],
    "additionalProperties": False,
}
_INSTRUCTIONS = (
    "You label memories that an assistant keeps. Answer for every numbered one. `topics`: what it is about, at most "
    "{most} words or short phrases, most important first, lower case. `entities`: people, places, organisations, "
    "products and works that it names, spelt as in the text, each once. Nothing to say: an empty list."
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Said:
    """What a model said of a text. refused: how many entities that the text does not name."""

    topics: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    refused: int = 0


def label_job() -> Job:
    """The job that labels whatever lacks labels."""
    return Job(kind=KIND, key="all", group=KIND)


def labels_on(app: Application) -> bool:
    """Whether a model finds labels."""
    wanted = app.options.topics or app.options.entities
    return wanted and app.options.long_term and (app.fast_chat or app.chat) is not None


async def sweep_labels(app: Application) -> int:
    """Queue the job when records lack labels; whether any did (0 or 1)."""
    if not labels_on(app) or not await app.memories.unlabelled(limit=1):
        return 0
    now = app.clock()
    await app.jobs.add(label_job(), due=now, unless_dead_since=now - _DAY_S)
    return 1


async def label(app: Application) -> int:
    """Give labels to all records that lack them; how many were looked at. Safe to repeat.

    Raises: Unavailable, DeadlineExceeded (the model or the store); what was said before is stored, the rest is owed.
    """
    looked_at = 0
    model = app.fast_chat or app.chat
    while model is not None and labels_on(app):
        batch = await app.memories.unlabelled(limit=AT_ONCE)
        if not batch or not await _label_some(app, model, batch):
            break
        looked_at += len(batch)
    return looked_at


async def _label_some(app: Application, model: ChatModel, batch: Sequence[Memory]) -> int:
    lacking = [memory for memory in batch if _lacks(app, memory)]
    done = await app.memories.set_labels([_as_it_is(one) for one in batch if one not in lacking])
    known = await _known(app, model, {memory.text for memory in lacking})
    done += await _store(app, [memory for memory in lacking if memory.text in known], known)
    for question in _questions([memory for memory in lacking if memory.text not in known]):
        said = await _asked(model, list(dict.fromkeys(memory.text for memory in question)), app.options.most_topics)
        answers = {_question_of(app, model, text): [one.topics, one.entities] for text, one in said.items()}
        await keep_answers(app.decisions, answers)
        done += await _store(app, question, said)
        await note(
            app, [_refusal(app, model, one, said[one.text].refused) for one in question if said[one.text].refused]
        )
    return done


def _refusal(app: Application, model: ChatModel, memory: Memory, count: int) -> Decision:
    return Decision(
        at=app.clock(),
        kind=Kind.LABEL,
        outcome=Outcome.REFUSED,
        reason=Reason.NOT_IN_TEXT,
        by=model.model,
        namespace=memory.namespace,
        user_id=memory.user_id,
        session_id=memory.session_id,
        memory_ids=(memory.id,),
        count=count,
    )


def _lacks(app: Application, memory: Memory) -> bool:
    """Whether a model is to be asked. Who read a record out of a conversation has labelled it, perhaps with nothing."""
    wanted = (app.options.topics and not memory.topics) or (app.options.entities and not memory.entities)
    return wanted and _READ not in memory.metadata


async def _store(app: Application, memories: Iterable[Memory], said: Mapping[str, _Said]) -> int:
    return await app.memories.set_labels([_labelled(app, memory, said[memory.text]) for memory in memories])


def _as_it_is(memory: Memory) -> Labels:
    return Labels(id=memory.id, revision=memory.revision, topics=memory.topics, entities=memory.entities)


def _labelled(app: Application, memory: Memory, said: _Said) -> Labels:
    topics = said.topics if app.options.topics and not memory.topics else memory.topics
    entities = said.entities if app.options.entities and not memory.entities else memory.entities
    return Labels(id=memory.id, revision=memory.revision, topics=topics, entities=entities)


def _question_of(app: Application, model: ChatModel, text: str) -> Question:
    return (_PURPOSE, model.model, str(app.options.most_topics), text)


async def _known(app: Application, model: ChatModel, texts: Iterable[str]) -> dict[str, _Said]:
    asked = {_question_of(app, model, text): text for text in texts}
    found = await answers_to(app.decisions, asked)
    return {asked[question]: _Said(tuple(topics), tuple(names)) for question, (topics, names) in found.items()}


def _questions(memories: Sequence[Memory]) -> Iterable[list[Memory]]:
    """Records in portions of one place each: what one user stored is never shown beside what another did."""
    by_place: dict[tuple[str, str], list[Memory]] = {}
    for memory in memories:
        by_place.setdefault((memory.namespace, memory.user_id), []).append(memory)
    for placed in by_place.values():
        question: list[Memory] = []
        tokens = 0
        for memory in placed:
            size = estimate_tokens(memory.text[:_MOST_CHARS])
            if question and (len(question) == TEXTS_AT_ONCE or tokens + size > MOST_TOKENS):
                yield question
                question, tokens = [], 0
            question.append(memory)
            tokens += size
        yield question


async def _asked(model: ChatModel, texts: Sequence[str], most_topics: int) -> dict[str, _Said]:
    """What the model says of each text; nothing of one that it refuses, or leaves out twice."""
    try:
        said = await _answers(model, texts, most_topics)
    except InvalidRequest as exc:
        if len(texts) > 1:  # one of them is refused: each for itself
            each = [await _asked(model, [text], most_topics) for text in texts]
            return {text: labels for found in each for text, labels in found.items()}
        log.warning("labels.refused", code=exc.code)
        said = {}
    missing = [text for text in texts if text not in said]
    if missing and said:
        said |= await _asked(model, missing, most_topics)
    return {text: said.get(text, _Said()) for text in texts}


async def _answers(model: ChatModel, texts: Sequence[str], most_topics: int) -> dict[str, _Said]:
    lines = [{"number": number, "text": text[:_MOST_CHARS]} for number, text in enumerate(texts, 1)]
    answer = await model.ask(
        ChatRequest(
            purpose=_PURPOSE,
            instructions=f"{_INSTRUCTIONS.format(most=most_topics)} {DATA_RULE}",
            text=fenced_lines("memories", lines),
            schema=SCHEMA,
            may_lack=frozenset({"topics", "entities"}),
            answer_tokens=256 + 100 * len(texts),
        )
    )
    said: dict[str, _Said] = {}
    for item in answer.value["memories"]:
        if 1 <= item["number"] <= len(texts):
            text = texts[item["number"] - 1]
            said.setdefault(text, _checked(item, text, most_topics))
    return said


def _checked(item: Mapping[str, Any], text: str, most_topics: int) -> _Said:
    """What can be believed: an entity is named in the text."""
    plain = " ".join(text.casefold().replace(",", " ").split())
    topics = [topic for topic in cleaned(item["topics"]) if len(topic) <= _LONGEST_LABEL]
    named = cleaned(item["entities"])
    entities = [name for name in named if name.casefold() in plain]
    fitting = [name for name in entities if len(name) <= _LONGEST_LABEL]
    return _Said(tuple(topics[:most_topics]), tuple(fitting[:_MOST_ENTITIES]), len(named) - len(entities))

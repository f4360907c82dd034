"""Memories read out of messages by a chat model, each checked against the words it claims to come from.

The model sees the unread messages and a few turns before them, so a turn costs the same in a long session. It quotes
its source; what it cannot quote, or what names somebody the conversation does not, is not stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from agent_memory_server.domain.custom_prompts import unsafe_answer
from agent_memory_server.domain.decision import Reason
from agent_memory_server.domain.event_dates import parsed_date, supported_date
from agent_memory_server.domain.fencing import DATA_RULE, fenced, fenced_lines
from agent_memory_server.domain.labels import cleaned
from agent_memory_server.domain.memory import Memory, MemoryType, hash_of
from agent_memory_server.domain.session import Message, Session, with_speakers
from agent_memory_server.domain.strategies import aim_of
from agent_memory_server.domain.support import TOLD, Aim, judge
from agent_memory_server.domain.tokens import message_tokens
from agent_memory_server.operations.custom_question import INSTRUCTIONS as CUSTOM_INSTRUCTIONS
from agent_memory_server.operations.custom_question import custom_task
from agent_memory_server.operations.participants import named_speakers, participants
from agent_memory_server.operations.parts import MOST_CHARS, MOST_PIECES, in_parts
from agent_memory_server.operations.reading import WEAK, Reading, Refused, memory_id, said_by_a_person
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest

CONTEXT = 6
"""Messages before the unread ones that the model is shown to understand them."""

MOST_TOKENS = 3000
"""Of unread messages in one question; a longer one is alone in its question, or read piece by piece."""

_CONTEXT_CHARS = 600
_SUMMARY_CHARS = 400
_MOST_LABELS = 8
_STRATEGIES: Final[Mapping[str, str]] = {
    "discrete": "Find lasting facts, preferences and events about the people who speak that will help in later "
    "conversations. No general knowledge, no instructions, no momentary states.",
    "preferences": "Find lasting preferences: likes, dislikes, settings, habits. No momentary states.",
}
_CUSTOM = "custom"
_RULES = (
    "Each memory is one sentence that is understood alone: name people instead of pronouns (the role user is "
    'called "User"), places instead of "there", and dates instead of "yesterday", counted from that message\'s time. '
    "Leave out what cannot be resolved. `source` is the number of the message that says it, `quote` the words copied "
    "from it. `type` is episodic for an event, else semantic. The first of `topics` is the most important one. "
    "`event_date` is ISO 8601 or empty. Only the messages are read; the summary and earlier turns only explain them. "
    "Nothing worth keeping: an empty list."
)
_PARTICIPANTS = (
    "`participants` are all who have spoken so far: a pronoun may mean one of them, also one whose turns are not shown."
)
_STRINGS = {"type": "array", "items": {"type": "string"}}
_MEMBERS = {
    "type": {"type": "string", "enum": ["semantic", "episodic"]},
    "text": {"type": "string"},
    "topics": _STRINGS,
    "entities": _STRINGS,
    "event_date": {"type": "string"},
    "source": {"type": "integer"},
    "quote": {"type": "string"},
}
_ITEM = {"type": "object", "properties": _MEMBERS, "required": list(_MEMBERS), "additionalProperties": False}
SCHEMA: Final = {
    "type": "object",
    "properties": {"memories": {"type": "array", "items": _ITEM}},
    "required": ["memories"],
    "additionalProperties": False,
}
MAY_LACK: Final = frozenset({"type", "topics", "entities", "event_date"})
_AIMS: Final[Mapping[Aim, str]] = {
    Aim.PRECISION: "Only what is said outright and will still matter in a year; in doubt leave it out.",
    Aim.BALANCED: "",
    Aim.RECALL: "Rather note too much than too little: plans, wishes, opinions and passing events too.",
}


def fitting(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The first messages that fit into one question; at least one."""
    kept: list[Message] = []
    tokens = 0
    for message in messages:
        tokens += message_tokens(message)
        if kept and tokens > MOST_TOKENS:
            break
        kept.append(message)
    return tuple(kept)


async def read_by_model(
    chat: ChatModel,
    session: Session,
    messages: Sequence[Message],
    before: Sequence[Message],
    *,
    now: float,
    aim: Aim,
    most_topics: int,
) -> Reading:
    """What the model finds in messages of a session, without what it cannot prove. No people, no question.

    aim: where the session's strategy names none. most_topics: of a memory, where the prompt is not the caller's own.

    Raises: Unavailable, DeadlineExceeded (later may work), InvalidRequest (the model refuses the question).
    """
    numbered = {number: message for number, message in enumerate(messages, 1) if said_by_a_person(message)}
    if not numbered:
        return Reading((), ())
    session = replace(session, speakers=with_speakers(session.speakers, (*before, *messages)))
    custom = session.strategy.name == _CUSTOM
    aim = aim_of(session.strategy, aim)
    question = _custom_question if custom else _question
    # A long message is read piece by piece; it is alone in its question (`fitting`), so its number is the same in each.
    parts = in_parts(messages, MOST_CHARS, most=MOST_PIECES)
    asked = [question(session, _shown(session, part, before), chat.model, now, aim) for part in parts]
    answers = [await chat.ask(one) for one in asked]
    turns = (f"{each.role} {each.content}" for each in (*before, *messages))
    words = " ".join([_summary(session), *named_speakers(session), *turns]).casefold()
    memories: dict[str, Memory] = {}
    refused = [_refused("", "", Reason.FORM)] * sum(answer.misfits for answer in answers)
    for item in (item for answer in answers for item in answer.value["memories"]):
        message = numbered.get(item["source"])
        if message is None:
            refused.append(_refused("", item["quote"], Reason.NO_MESSAGE))
            continue
        # The application's prompt may ask for another language, so its names are not looked up.
        conversation = None if custom else words
        judged = judge(item["text"], item["quote"], message=message.content, conversation=conversation, aim=aim)
        if judged.reason is not None:
            refused.append(_refused(message.id, item["quote"], judged.reason))
            continue
        if custom and (unsafe := unsafe_answer(item["text"])):
            refused.append(Refused(message.id, item["quote"], unsafe, Reason.UNSAFE))
            continue
        event_date = _event_date(item, message, (*before, *messages))
        memory = _memory(session, message, item, event_date, now, chat.model, weak=judged.weak)
        topics = memory.topics if custom else memory.topics[:most_topics]
        memories.setdefault(memory.id, replace(memory, topics=topics))
    return Reading(tuple(memories.values()), tuple(refused))


def _refused(message_id: str, quote: str, reason: Reason) -> Refused:
    return Refused(message_id, quote, TOLD[reason], reason)


def _line(message: Message, most_chars: int) -> dict[str, str]:
    time = datetime.fromtimestamp(message.created_at, UTC).strftime("%A %Y-%m-%d %H:%M")
    return {"role": message.role, "time": time, "text": message.content[:most_chars]}


def _summary(session: Session) -> str:
    """The last sentences of the running summary: what was said before the turns that are shown."""
    whole = session.context or ""
    end = whole[-_SUMMARY_CHARS:]
    return end if end == whole else end.partition(". ")[2] or end


def _shown(session: Session, messages: Sequence[Message], before: Sequence[Message]) -> tuple[str, str]:
    """The messages to read, and what explains them ("" for nothing): who speaks, running summary and turns before;
    fenced."""
    earlier = [_line(message, _CONTEXT_CHARS) for message in before]
    unread = [{"number": number} | _line(message, MOST_CHARS) for number, message in enumerate(messages, 1)]
    summary = _summary(session)
    people = participants(session)
    explaining = [fenced_lines("participants", people)] if people else []
    if summary:
        explaining.append(fenced("summary", summary))
    if earlier:
        explaining.append(fenced_lines("earlier", earlier))
    return fenced_lines("messages", unread), "\n".join(explaining)


def _question(session: Session, shown: tuple[str, str], _model: str, _now: float, aim: Aim) -> ChatRequest:
    messages, earlier = shown
    people = _PARTICIPANTS if named_speakers(session) else ""
    told = " ".join(filter(None, (_STRATEGIES[session.strategy.name], _AIMS[aim], _RULES, people, DATA_RULE)))
    return ChatRequest(
        purpose="extraction",
        instructions=told,
        text=f"{earlier}\n{messages}" if earlier else messages,
        schema=SCHEMA,
        may_lack=MAY_LACK,
    )


def _custom_question(session: Session, shown: tuple[str, str], model: str, now: float, _aim: Aim) -> ChatRequest:
    messages, earlier = shown
    task = custom_task(session, messages, earlier, model=model, now=now)
    return ChatRequest(
        purpose="extraction",
        instructions=f"{CUSTOM_INSTRUCTIONS} {DATA_RULE}",
        text=task,
        schema=SCHEMA,
        may_lack=MAY_LACK,
    )


def _event_date(item: Mapping[str, Any], message: Message, around: Sequence[Message]) -> float | None:
    claimed = parsed_date(item["event_date"])
    if claimed is None:
        return None
    others = [(each.content, each.created_at) for each in around]
    return supported_date(claimed, quote=item["quote"], message=(message.content, message.created_at), others=others)


def _memory(
    session: Session,
    message: Message,
    item: Mapping[str, Any],
    event_date: float | None,
    now: float,
    model: str,
    *,
    weak: bool,
) -> Memory:
    text = " ".join(item["text"].split())
    memory = Memory(
        id=memory_id(session.key, message.id, text),
        text=text,
        namespace=session.key.namespace,
        user_id=session.key.user_id,
        session_id=session.key.session_id,
        memory_type=MemoryType(item["type"]),
        topics=cleaned(item["topics"])[:_MOST_LABELS],
        entities=cleaned(item["entities"])[:_MOST_LABELS],
        created_at=message.created_at,
        updated_at=now,
        last_accessed=message.created_at,
        persisted_at=now,
        event_date=event_date,
        extraction_strategy=session.strategy.name,
        extraction_strategy_config=session.strategy.config,
        extracted_from=(message.id,),
        metadata={"extracted_by": model, "source": {"message_id": message.id, "quote": item["quote"]}, **WEAK[weak]},
    )
    return replace(memory, memory_hash=hash_of(memory))

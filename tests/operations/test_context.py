"""Prompts put together from working and long-term memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Forbidden, RequestRefused
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.principal import LOCAL, Action, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.context import Prompt, PromptSession, memory_prompt
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.search import Question
from agent_memory_server.operations.window import Window
from tests.operations.given import KEY, NOW, FailingEmbedder, append, caller, memory, put, turn
from tests.support.rest import application

CHAT = PromptSession(session_id="chat", namespace="team", user_id="ana")
HEADING = "## Long term memories related to the user's query\n "


async def prompt(
    app: Application,
    query: str = "zebra",
    *,
    session: PromptSession | None = None,
    long_term: Question | bool | None = None,
    who: Principal = LOCAL,
) -> Prompt:
    return await memory_prompt(app, who, query, session=session, long_term=long_term)


def shown(built: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in built.messages]


async def test_a_prompt_holds_summary_turns_memories_and_query_in_order(app: Application) -> None:
    await put(app, turn("1", "hello"), turn("2", "hi", "assistant"), turn("3", "42", "tool"), context="they met")
    await remember(app, LOCAL, [memory("k", "a zebra", user_id="ana")])
    built = await prompt(app, session=CHAT, long_term=True)
    assert shown(built) == [
        ("system", "## A summary of the conversation so far:\nthey met"),
        ("user", "hello"),
        ("assistant", "hi"),
        ("assistant", "42"),
        ("system", HEADING + "- a zebra (ID: k)"),
        ("user", "zebra"),
    ]
    assert built.memories is not None
    assert [hit.memory.id for hit in built.memories] == ["k"]


async def test_without_a_session_there_are_memories_and_query_alone(app: Application) -> None:
    assert shown(await prompt(app, long_term=True)) == [
        ("system", HEADING + "No relevant long-term memories found."),
        ("user", "zebra"),
    ]
    assert (await prompt(app, long_term=True)).memories is None


async def test_a_session_that_is_not_there_is_an_empty_one(app: Application) -> None:
    assert shown(await prompt(app, session=CHAT)) == [("user", "zebra")]


@pytest.mark.parametrize("long_term", [None, False])
async def test_neither_session_nor_search_is_refused(app: Application, long_term: bool | None) -> None:
    with pytest.raises(RequestRefused):
        await prompt(app, long_term=long_term)


async def test_the_sessions_own_turns_are_not_repeated_as_memories(app: Application) -> None:
    await append(app, turn("1", "a zebra"))
    built = await prompt(app, session=CHAT, long_term=True)
    assert shown(built)[-2] == ("system", HEADING + "No relevant long-term memories found.")


async def test_turns_of_the_session_that_are_not_in_the_prompt_are_found(app: Application) -> None:
    told = [turn("1", "I saw a zebra."), *(turn(f"n{n}", "word " * 50) for n in range(9)), turn("2", "A zebra again.")]
    await put(app, *told)
    small = PromptSession(session_id="chat", namespace="team", user_id="ana", window=Window(max_tokens=130))
    built = await prompt(app, session=small, long_term=True)
    found = [hit.memory.id for hit in built.memories or ()]
    assert "1" in found
    assert "2" not in found


async def test_folded_turns_of_the_session_and_what_was_read_out_of_them_are_found(app: Application) -> None:
    await put(app, turn("1", "I saw a zebra."), turn("2", "It was a zebra indeed."))
    session = await app.sessions.get(LOCAL.scope, KEY, now=NOW)
    assert session is not None
    facts = {"1": "Ana saw a zebra.", "2": "Ana is sure of the zebra."}
    for id_, text in facts.items():
        await remember(app, LOCAL, [memory(f"f{id_}", text, extracted_from=(id_,), session_id="chat", user_id="ana")])
    await app.sessions.fold(
        LOCAL.scope, KEY, session.messages[:1], context="They met.", if_context=None, tokens=0, now=NOW
    )
    built = await prompt(app, session=CHAT, long_term=True)
    found = {hit.memory.id for hit in built.memories or ()}
    assert found  # a fact and its message are one result
    assert found <= {"1", "f1"}


@pytest.mark.parametrize("summary", [None, "They met."])
async def test_what_another_session_told_is_found_though_its_messages_have_the_same_ids(
    app: Application, summary: str | None
) -> None:
    await put(app, turn("1", "hello"), context=summary)
    there = memory("f", "Ana saw a zebra.", extracted_from=("1",), session_id="before", user_id="ana")
    here = memory("g", "Ana says hello to a zebra.", extracted_from=("1",), session_id="chat", user_id="ana")
    await remember(app, LOCAL, [there, here])
    built = await prompt(app, session=CHAT, long_term=True)
    assert [hit.memory.id for hit in built.memories or ()] == ["f"]


async def test_memories_are_those_of_the_sessions_user_unless_the_question_names_one(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", "zebra one", user_id="ana"), memory("b", "zebra two", user_id="bob")])
    for long_term, found in (
        (True, ["a"]),
        (Question(), ["a"]),
        (Question(filter=Filter((only(TextField.USER_ID, "bob"),))), ["b"]),
    ):
        built = await prompt(app, session=CHAT, long_term=long_term)
        assert [hit.memory.id for hit in built.memories or ()] == found


async def test_the_query_is_what_is_searched_for(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "zebra"), memory("g", "giraffe")])
    built = await prompt(app, "zebra", long_term=Question(text="giraffe", limit=1))
    assert [hit.memory.id for hit in built.memories or ()] == ["z"]


async def test_turns_are_cut_to_the_window_from_the_oldest_on(app: Application) -> None:
    await put(app, *(turn(str(n), "word " * 50) for n in range(10)), turn("last", "the last"))
    small = PromptSession(session_id="chat", namespace="team", user_id="ana", window=Window(max_tokens=130))
    texts = [text for _, text in shown(await prompt(app, session=small))]
    assert texts[-2:] == ["the last", "zebra"]
    assert len(texts) == 4


async def test_nobody_gets_turns_or_memories_of_others(app: Application) -> None:
    await put(app, turn("1", "secret"))
    await remember(app, LOCAL, [memory("k", "zebra secret", user_id="ana")])
    for session in (CHAT, PromptSession(session_id="chat")):
        built = await prompt(app, session=session, long_term=True, who=caller(users=["bob"]))
        assert not any("secret" in text for _, text in shown(built))
    with pytest.raises(Forbidden):
        await prompt(app, session=CHAT, who=caller(can=frozenset({Action.WRITE})))


async def test_a_sleeping_model_is_told(tmp_path: Path) -> None:
    async with application(tmp_path, embedder=FailingEmbedder(down=True)) as app:
        await remember(app, LOCAL, [memory("k", "zebra")])
        built = await prompt(app, long_term=True)
        assert [hit.memory.id for hit in built.memories or ()] == ["k"]
        assert "the model sleeps" in built.degraded[0]

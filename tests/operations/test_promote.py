"""What a session owes long-term memory: each message and memory becomes one record, and is left alone afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.forget import delete
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.operations.search import Question, search
from tests.operations.given import (
    KEY,
    NOW,
    FailingEmbedder,
    SettableClock,
    append,
    embed_everything,
    memory,
    put,
    read,
    records,
    turn,
)
from tests.support.rest import application


async def test_each_message_becomes_a_record_that_names_it(app: Application) -> None:
    view = await put(app, turn("1", "likes tea"))
    record = (await records(app, "1"))["1"]
    assert (record.text, record.memory_type) == ("user: likes tea", MemoryType.MESSAGE)
    assert (record.namespace, record.user_id, record.session_id) == ("team", "ana", "chat")
    assert (record.extracted_from, record.created_at, record.persisted_at) == (("1",), NOW, NOW)
    assert view.session.messages[0].persisted_at == NOW


async def test_a_message_is_found_by_the_very_next_search(app: Application) -> None:
    await append(app, turn("1", "the zebra crossing"))
    found = await search(app, LOCAL, Question(text="zebra"))
    assert [hit.memory.id for hit in found.hits] == ["1"]


async def test_putting_unchanged_messages_again_keeps_their_marks_and_records(
    app: Application, clock: SettableClock
) -> None:
    await put(app, turn("1"), turn("2"))
    await revise(app, LOCAL, "1", {"topics": ("edited",)})
    await delete(app, LOCAL, ["2"])
    clock.now += 10
    view = await put(app, turn("1"), turn("2"), turn("3"))
    assert [message.persisted_at for message in view.session.messages] == [NOW, NOW, NOW + 10]
    found = await records(app, "1", "2", "3")
    assert set(found) == {"1", "3"}
    assert (found["1"].topics, found["1"].revision) == (("edited",), 2)


async def test_a_mark_of_extraction_outlives_a_client_that_does_not_send_it(app: Application) -> None:
    await put(app, turn("1", discrete_memory_extracted=True))
    assert (await put(app, turn("1"))).session.messages[0].discrete_memory_extracted
    assert not (await put(app, turn("1", "changed"))).session.messages[0].discrete_memory_extracted


async def test_a_message_with_new_content_changes_its_record_even_when_its_mark_is_sent_back(app: Application) -> None:
    await put(app, turn("1", "likes tea"))
    await put(app, turn("1", "likes coffee", persisted_at=NOW))
    record = (await records(app, "1"))["1"]
    assert (record.text, record.revision) == ("user: likes coffee", 2)


async def test_a_message_marked_as_persisted_elsewhere_is_taken_at_its_word(app: Application) -> None:
    view = await put(app, turn("1", persisted_at=5.0))
    assert view.session.messages[0].persisted_at == 5.0
    assert not await records(app, "1")


async def test_a_session_put_again_after_it_expired_embeds_nothing_twice(tmp_path: Path, clock: SettableClock) -> None:
    embedder = FailingEmbedder()
    async with application(tmp_path, embedder=embedder, clock=clock) as app:
        await put(app, turn("1"), turn("2"), ttl_seconds=60)
        await embed_everything(app)
        clock.now += 60
        await put(app, turn("1"), turn("2"), turn("3"))
        await embed_everything(app)
        assert sorted(text for call in embedder.calls for text in call) == [
            f"user: content of {number}" for number in (1, 2, 3)
        ]


async def test_message_ids_used_in_several_places_never_meet(app: Application) -> None:
    keys = [
        SessionKey(namespace, user, session)
        for namespace in ("", "team", "te\x1fam")
        for user in ("", "ana", "bob")
        for session in ("chat", "am\x1fchat")
    ]
    for key in keys:
        await append(app, turn("1", f"said in {key}"), key=key)
        await put(app, turn("1", f"said in {key}"), turn("2", f"then in {key}"), key=key)
    page = await app.memories.list(LOCAL.scope, EVERYTHING, limit=1000)
    said = {(each.namespace, each.user_id, each.session_id, each.text) for each in page.memories}
    assert said == {
        (key.namespace, key.user_id, key.session_id, f"user: {when} in {key}")
        for key in keys
        for when in ("said", "then")
    }
    assert page.total == len(said)


async def test_a_message_never_overwrites_a_memory_with_its_id(app: Application) -> None:
    await remember(app, LOCAL, [memory("1", "likes tea", namespace="team", user_id="ana", session_id="chat")])
    await append(app, turn("1", "hello"))
    await put(app, turn("7", "bye"), memories=(memory("7", "likes coffee"),))
    found = await records(app, "1", "7")
    assert (found["1"].text, found["7"].text) == ("likes tea", "likes coffee")
    messages = await search(app, LOCAL, Question(text="hello bye"))
    assert {hit.memory.text for hit in messages.hits} >= {"user: hello", "user: bye"}


async def test_a_structured_memory_becomes_a_record_in_the_place_of_its_session(app: Application) -> None:
    await put(app, memories=(memory("k", "likes tea", topics=("tea",)), memory("o", user_id="bob")))
    found = await records(app, "k", "o")
    assert (found["k"].namespace, found["k"].user_id, found["k"].session_id) == ("team", "ana", "chat")
    assert (found["k"].topics, found["o"].user_id) == (("tea",), "bob")


async def test_putting_unchanged_memories_again_leaves_their_records_alone(
    app: Application, clock: SettableClock
) -> None:
    given = (memory("k", "likes tea"), memory("gone"))
    await put(app, memories=given)
    await revise(app, LOCAL, "k", {"text": "likes green tea"})
    await delete(app, LOCAL, ["gone"])
    clock.now += 10
    again = tuple(replace(each, created_at=clock.now, last_accessed=clock.now) for each in given)
    view = await put(app, memories=again)
    assert [each.persisted_at for each in view.session.memories] == [NOW, NOW]
    found = await records(app, "k", "gone")
    assert [each.text for each in found.values()] == ["likes green tea"]


async def test_a_changed_memory_changes_its_record(app: Application) -> None:
    await put(app, memories=(memory("k", "likes tea"),))
    stored = (await read(app)).session.memories[0]
    await put(app, memories=(replace(stored, text="likes coffee"),))
    assert (await records(app, "k"))["k"].text == "likes coffee"


async def test_without_long_term_memory_nothing_is_promoted(tmp_path: Path) -> None:
    async with application(tmp_path, rules=Options(long_term=False)) as app:
        view = await put(app, turn("1"), memories=(memory("k"),))
        assert view.session.messages[0].persisted_at is None
        assert view.session.memories[0].persisted_at is None
        assert not await records(app, "1", "k")


async def test_without_the_index_of_messages_only_memories_are_promoted(tmp_path: Path) -> None:
    async with application(tmp_path, rules=Options(index_messages=False)) as app:
        await put(app, turn("1"), memories=(memory("k"),))
        assert set(await records(app, "1", "k")) == {"k"}
    async with application(tmp_path) as app:
        await put(app, turn("1"), memories=(memory("k"),))
        assert set(await records(app, "1", "k")) == {"1", "k"}
        assert (await read(app, KEY)).session.messages[0].persisted_at is not None

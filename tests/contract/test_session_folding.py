"""The contract of `SessionStore`: a summary takes the place of exactly the messages it was made of, or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden, NotFound
from agent_memory_server.domain.messages import message_digest
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import Message, Session
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import KEY, NOW, ids, message, messages, session, stored

OTHER = Scope(frozenset({"elsewhere"}), None)


async def fold(
    sessions: SessionStore, of: Sequence[Message], *, if_context: str | None = None, scope: Scope = EVERYWHERE
) -> Session:
    return await sessions.fold(scope, KEY, of, context="so far", if_context=if_context, tokens=7, now=NOW)


async def test_the_messages_go_and_the_summary_comes(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abcd"), tokens=3, data={"k": 1}), now=NOW)
    head = await fold(sessions, kept.messages[:2])
    assert (head.context, head.tokens, head.message_count, head.revision) == ("so far", 10, 2, kept.revision + 1)
    after = await stored(sessions)
    assert ids(after.messages) == ["c", "d"]
    assert (after.context, after.tokens, after.message_count, after.data) == ("so far", 10, 2, {"k": 1})
    assert after.revision == head.revision


async def test_messages_added_meanwhile_stay_in_their_order(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    await sessions.append(EVERYWHERE, KEY, [message("c", at=9.0)], now=NOW)
    await fold(sessions, kept.messages[:1])
    await sessions.append(EVERYWHERE, KEY, [message("d", at=10.0)], now=NOW)
    assert ids((await stored(sessions)).messages) == ["b", "c", "d"]


async def test_what_extraction_owes_of_the_rest_is_still_owed(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    await sessions.mark_extracted(EVERYWHERE, KEY, kept.messages[:1], now=NOW)
    await fold(sessions, kept.messages[:1])
    left = await sessions.unextracted(EVERYWHERE, KEY, now=NOW, limit=9, before=9)
    assert left is not None
    assert ids(left.messages) == ["b"]
    assert len(await sessions.owed_extractions(now=NOW, limit=9)) == 1


async def test_nothing_changes_when_the_summary_was_changed_by_others(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab"), context="theirs"), now=NOW)
    with pytest.raises(Conflict):
        await fold(sessions, kept.messages[:1], if_context="ours")
    assert await stored(sessions) == kept


@pytest.mark.parametrize("change", [message("a", "other content"), message("gone")])
async def test_nothing_changes_when_a_message_is_not_what_was_summarized(
    sessions: SessionStore, change: Message
) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    with pytest.raises(Conflict):
        await fold(sessions, [kept.messages[1], change])
    assert await stored(sessions) == kept


async def test_a_deleted_session_is_not_made_again_by_folding(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    await sessions.delete(EVERYWHERE, KEY, now=NOW)
    with pytest.raises(NotFound):
        await fold(sessions, kept.messages[:1])
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None


async def test_a_foreign_scope_may_not_fold(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    with pytest.raises(Forbidden):
        await fold(sessions, kept.messages[:1], scope=OTHER)
    assert await stored(sessions) == kept


async def test_what_was_folded_is_known_until_the_session_is_gone(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == set()
    await fold(sessions, kept.messages[:2])
    again = [*kept.messages, message("b", "other content"), message("x")]
    assert await sessions.folded(EVERYWHERE, KEY, again, now=NOW) == {"a", "b"}
    assert await sessions.folded(EVERYWHERE, KEY, [message("b", "other content")], now=NOW) == set()
    await sessions.append(EVERYWHERE, KEY, [message("d", at=9.0)], now=NOW)
    left = (await stored(sessions)).messages
    await sessions.fold(EVERYWHERE, KEY, left[:1], context="more", if_context="so far", tokens=0, now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == {"a", "b", "c"}
    with pytest.raises(Forbidden):
        await sessions.folded(OTHER, KEY, kept.messages, now=NOW)
    await sessions.delete(EVERYWHERE, KEY, now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == set()
    await sessions.put(EVERYWHERE, session(messages=messages("d")), now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == set()


async def test_what_was_folded_is_forgotten_with_the_time_of_the_session(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab"), ttl_seconds=1000), now=NOW)
    await fold(sessions, kept.messages[:1])
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW + 999) == {"a"}
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW + 1001) == set()


async def test_a_folded_message_that_is_appended_again_adds_nothing(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW)
    await fold(sessions, kept.messages[:2])
    before = await stored(sessions)
    again = await sessions.append(EVERYWHERE, KEY, kept.messages, now=NOW)
    assert again.messages == kept.messages
    assert (again.session.message_count, again.session.revision) == (1, before.revision)
    assert await stored(sessions) == replace(before, last_accessed=NOW)
    more = await sessions.append(EVERYWHERE, KEY, [kept.messages[0], message("d", at=9.0)], now=NOW)
    assert ids(more.messages) == ["a", "d"]
    assert ids((await stored(sessions)).messages) == ["c", "d"]


async def test_the_id_of_a_folded_message_is_not_given_to_another(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    await fold(sessions, kept.messages[:1])
    before = await stored(sessions)
    with pytest.raises(Conflict, match="message a is there already"):
        await sessions.append(EVERYWHERE, KEY, [message("d"), message("a", "other content")], now=NOW)
    assert await stored(sessions) == before
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == {"a"}


@pytest.mark.parametrize("context", [None, "", "another one"])
async def test_what_was_folded_is_forgotten_with_the_summary_that_told_of_it(
    sessions: SessionStore, context: str | None
) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW)
    await fold(sessions, kept.messages[:2])
    same = await sessions.put(EVERYWHERE, session(messages=kept.messages[2:], context="so far"), now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == {"a", "b"}
    await sessions.put(EVERYWHERE, replace(same, messages=(), context=context), now=NOW)
    assert await sessions.folded(EVERYWHERE, KEY, kept.messages, now=NOW) == set()
    await sessions.append(EVERYWHERE, KEY, [kept.messages[0], message("b", "other content")], now=NOW)
    assert ids((await stored(sessions)).messages) == ["a", "b"]


async def test_what_was_folded_can_be_carried_to_another_session(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abc"), ttl_seconds=1000), now=NOW)
    await fold(sessions, kept.messages[:2])
    digests = dict(await sessions.folded_digests(KEY, now=NOW))
    assert digests == {each.id: message_digest(each) for each in kept.messages[:2]}
    other = replace(KEY, session_id="other")
    await sessions.note_folded(other, digests, now=NOW)
    assert await sessions.folded_digests(other, now=NOW) == {}
    await sessions.put(EVERYWHERE, session(other, messages=kept.messages[2:], ttl_seconds=10), now=NOW)
    await sessions.note_folded(other, digests, now=NOW)
    assert await sessions.folded(EVERYWHERE, other, kept.messages, now=NOW) == {"a", "b"}
    await sessions.append(EVERYWHERE, other, kept.messages, now=NOW)
    assert ids((await stored(sessions, other)).messages) == ["c"]
    assert await sessions.folded_digests(other, now=NOW + 20) == {}

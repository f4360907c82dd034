"""A session whose working memory is gone, put together from the records of its messages."""

from __future__ import annotations

from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.operations.application import Application

_PAGE = 1000


async def rebuilt(app: Application, scope: Scope, key: SessionKey, last: int | None) -> Session | None:
    """The session of exactly this place, or the only one with this id within the scope; None when there is none.

    Where several users or namespaces have records of such a session, none is guessed. last: only the latest messages,
    this many.
    """
    if not (app.options.long_term and app.options.index_messages):
        return None
    messages = only(TextField.SESSION_ID, key.session_id), only(TextField.MEMORY_TYPE, MemoryType.MESSAGE.value)
    anywhere = Filter(messages)
    if key.namespace:
        anywhere = anywhere.also(only(TextField.NAMESPACE, key.namespace))
    if key.user_id:
        anywhere = anywhere.also(only(TextField.USER_ID, key.user_id))
    newest = await app.memories.list(scope, anywhere, order=Order.NEWEST, limit=1)
    if not newest.memories:
        return None
    asked = _of(anywhere, key.namespace, key.user_id)
    records = await _newest(app, scope, asked, last)
    if not records:
        namespace, user_id = newest.memories[0].namespace, newest.memories[0].user_id
        only_one = _of(anywhere, namespace, user_id)
        if (await app.memories.list(scope, only_one, limit=1)).total != newest.total:
            return None
        records = await _newest(app, scope, only_one, last)
    return _session(key.session_id, records)


def _of(filter_: Filter, namespace: str, user_id: str) -> Filter:
    return filter_.also(only(TextField.NAMESPACE, namespace), only(TextField.USER_ID, user_id))


async def _newest(app: Application, scope: Scope, filter_: Filter, last: int | None) -> list[Memory]:
    found: list[Memory] = []
    cursor: str | None = None
    while last is None or len(found) < last:
        limit = _PAGE if last is None else min(_PAGE, last - len(found))
        page = await app.memories.list(scope, filter_, order=Order.NEWEST, limit=limit, cursor=cursor)
        found += page.memories
        cursor = page.cursor
        if cursor is None:
            break
    return found


def _message(record: Memory) -> Message | None:
    role, separator, content = record.text.partition(": ")
    if not separator:
        return None
    return Message(
        id=record.extracted_from[0] if record.extracted_from else record.id,
        role=role.lower(),
        content=content,
        created_at=record.created_at,
        persisted_at=record.persisted_at,
        discrete_memory_extracted=record.discrete_memory_extracted,
    )


def _session(session_id: str, records: list[Memory]) -> Session | None:
    oldest_first = sorted(records, key=lambda record: (record.created_at, record.id))
    messages = tuple(message for record in oldest_first if (message := _message(record)) is not None)
    if not messages:
        return None
    return Session(
        key=SessionKey(records[0].namespace, records[0].user_id, session_id),
        created_at=messages[0].persisted_at or messages[0].created_at,
        updated_at=messages[-1].created_at,
        last_accessed=messages[-1].created_at,
        messages=messages,
        data={},
        context="",
        message_count=len(messages),
    )

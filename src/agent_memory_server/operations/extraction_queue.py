"""When a session is to be read by extraction, and the job that does it."""

from __future__ import annotations

import hashlib
import json

import structlog

from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.session import Session, SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.ports.jobs import Job

KIND = "extract_session"

log = structlog.get_logger()


def extraction_job(key: SessionKey) -> Job:
    """The job that reads a session."""
    place = {"namespace": key.namespace, "user_id": key.user_id, "session_id": key.session_id}
    digest = hashlib.sha256(json.dumps(list(place.values())).encode()).hexdigest()
    return Job(kind=KIND, key=digest, arguments=place)


def due_of(options: Options, session: Session) -> float:
    """When the session is to be read (Unix seconds); before it ends, where it has a time to live."""
    since = session.updated_at if session.owed_since is None else session.owed_since
    due = min(session.updated_at + options.extract_after_s, since + options.extract_within_s)
    return due if session.ttl_seconds is None else min(due, session.updated_at + session.ttl_seconds / 2)


async def queue_extraction(app: Application, session: Session, *, now: float) -> None:
    """Queue the reading of a session that was just written, when this write is the first that leaves something unread.

    Later writes queue nothing: when the job comes up it sees them, and waits until the session is quiet. A queue that
    fails does not fail the write; the sweep finds what is owed.
    """
    if not (app.options.extraction and app.options.long_term) or session.owed_since != now:
        return
    try:
        await app.jobs.add(extraction_job(session.key), due=due_of(app.options, session))
    except MemoryServerError as exc:
        log.warning("extraction.not_queued", code=exc.code, reason=str(exc))

"""Work that an operator asks for by name is the work that the server would queue itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.domain.errors import NotFound, RequestRefused
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.worker.handlers import HANDLERS
from agent_memory_server.interfaces.worker.schedule import ensure
from agent_memory_server.interfaces.worker.tasks import TASKS, schedule, task_called
from agent_memory_server.operations.extraction_queue import extraction_job
from tests.operations.given import NOW, SettableClock
from tests.support.jobs import queue_of
from tests.support.rest import application

PATH = "agent_memory_server.long_term_memory"


def test_every_kind_of_job_can_be_asked_for() -> None:
    assert TASKS.keys() == HANDLERS.keys()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{PATH}.compact_long_term_memories", "consolidate"),
        (f"{PATH}.run_delayed_extraction", "extract_session"),
        ("agent_memory_server.summary_views.refresh_summary_view", "run_view"),
        ("agent_memory_server.summarization.summarize_session", "summarize_session"),
        ("refresh_views", "refresh_views"),
    ],
)
def test_the_paths_of_the_reference_server_stand_for_the_same_work(name: str, kind: str) -> None:
    assert task_called(name) is TASKS[kind]


async def test_a_session_is_read_by_the_job_that_its_writes_queue(tmp_path: Path) -> None:
    async with application(tmp_path, clock=SettableClock(NOW)) as app:
        await schedule(app, f"{PATH}.run_delayed_extraction", {"session_id": "talk", "user_id": "ann"})
        (claim,) = await queue_of(app).claim(now=NOW, lease_s=30)
        assert claim.job == extraction_job(SessionKey("", "ann", "talk"))


async def test_periodic_work_that_is_asked_for_runs_now_and_stays_one_job(tmp_path: Path) -> None:
    async with application(tmp_path, clock=SettableClock(NOW)) as app:
        await ensure(app)
        before = await app.jobs.figures()
        await schedule(app, "consolidate", {})
        assert await app.jobs.figures() == before
        (claim,) = await queue_of(app).claim(now=NOW, lease_s=30)
        assert claim.job.kind == "consolidate"


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("os.system", {}, "no task is called 'os.system'; there are consolidate, "),
        (f"{PATH}.index_long_term_memories", {}, "a write does it itself"),
        ("extract_session", {}, "needs the argument session_id"),
        ("consolidate", {"limit": "1"}, "takes no argument called 'limit'"),
        ("summarize_session", {"session_id": "s", "limit": "few"}, "limit=few must be a number of tokens"),
    ],
)
async def test_what_cannot_be_queued_is_refused_with_the_reason(
    tmp_path: Path, name: str, arguments: dict[str, str], reason: str
) -> None:
    async with application(tmp_path) as app:
        with pytest.raises(RequestRefused, match=reason):
            await schedule(app, name, arguments)
        assert (await app.jobs.figures()).waiting == 0


async def test_a_view_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        with pytest.raises(NotFound):
            await schedule(app, "run_view", {"view_id": "none"})

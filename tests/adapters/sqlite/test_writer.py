"""Group commit: what a caller may rely on when others write, fail, or the disk gives up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.write_ahead import IDLE_BYTES
from agent_memory_server.adapters.sqlite.writer import MAX_BATCH, Writer
from agent_memory_server.domain.errors import InvalidRequest, Unavailable

WAIT_S = 10.0


class Disk:
    """Opens the writing connections of a test. commits: how many transactions ended well; failing: none may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = 0
        self.failing = False
        self.unreachable = False
        self.busy_timeout_ms = 10_000

    def connect(self) -> apsw.Connection:
        if self.unreachable:
            raise apsw.CantOpenError("unable to open database file")
        connection = open_writer(self.path, dimensions=8, durability="full")
        connection.set_busy_timeout(self.busy_timeout_ms)
        connection.set_commit_hook(self._on_commit)
        return connection

    def _on_commit(self) -> bool:
        if self.failing:
            raise apsw.IOError("disk I/O error")
        self.commits += 1
        return False

    def keys(self) -> set[str]:
        """What another connection sees."""
        with closing(apsw.Connection(str(self.path))) as connection:
            return {str(key) for (key,) in connection.execute("SELECT key FROM meta")}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    path = tmp_path / "memory.db"
    with closing(open_writer(path, dimensions=8, durability="full")) as connection:
        migrate(connection)
    return Disk(path)


@pytest.fixture
async def writer(disk: Disk) -> AsyncIterator[Writer]:
    writer = Writer(disk.path, disk.connect)
    writer.start()
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)


def adding(key: str) -> Callable[[apsw.Connection], str]:
    def work(connection: apsw.Connection) -> str:
        connection.execute("INSERT INTO meta(key, value) VALUES (?, 1)", (key,))
        return key

    return work


def adding_blob(key: str, size: int) -> Callable[[apsw.Connection], None]:
    def work(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO meta(key, value) VALUES (?, zeroblob(?))", (key, size))

    return work


def adding_then_failing(key: str, error: BaseException) -> Callable[[apsw.Connection], None]:
    def work(connection: apsw.Connection) -> None:
        adding(key)(connection)
        raise error

    return work


def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Held:
    """Work that keeps the writing thread until it is let go, so that what is queued meanwhile is one batch."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, _connection: apsw.Connection) -> None:
        self.begun.set()
        assert self.go.wait(WAIT_S)


async def together(writer: Writer, *works: Callable[[apsw.Connection], object]) -> list[object]:
    """The outcomes of works that are in one commit, the second one: the first is that of `Held`."""
    held = Held()
    first = asyncio.ensure_future(writer.write(held))
    await asyncio.to_thread(held.begun.wait, WAIT_S)
    rest = [asyncio.ensure_future(writer.write(work)) for work in works]
    await asyncio.sleep(0)  # each task puts its work into the queue
    held.go.set()
    return (await asyncio.gather(first, *rest, return_exceptions=True))[1:]


async def test_a_result_means_that_others_see_the_change(writer: Writer, disk: Disk) -> None:
    assert await writer.write(adding("a")) == "a"
    assert disk.keys() == {"a"}


async def test_what_waits_together_is_one_commit(writer: Writer, disk: Disk) -> None:
    await together(writer, *(adding(str(number)) for number in range(50)))
    assert disk.commits == 2
    assert len(disk.keys()) == 50


async def test_a_batch_is_bounded(writer: Writer, disk: Disk) -> None:
    await together(writer, *(adding(str(number)) for number in range(2 * MAX_BATCH + 1)))
    assert disk.commits == 1 + 3
    assert len(disk.keys()) == 2 * MAX_BATCH + 1


async def test_work_that_fails_takes_back_its_own_changes_only(writer: Writer, disk: Disk) -> None:
    error = InvalidRequest("no")
    outcomes = await together(writer, adding("a"), adding_then_failing("b", error), adding("c"))
    assert outcomes == ["a", error, "c"]
    assert disk.keys() == {"a", "c"}
    assert disk.commits == 2


async def test_the_first_of_a_batch_that_fails_takes_back_its_own_changes_only(writer: Writer, disk: Disk) -> None:
    error = InvalidRequest("no")
    outcomes = await together(writer, adding_then_failing("a", error), adding("b"), adding_then_failing("c", error))
    assert outcomes == [error, "b", error]
    assert disk.keys() == {"b"}


async def test_work_that_fails_alone_leaves_nothing_and_the_next_one_is_done(writer: Writer, disk: Disk) -> None:
    with pytest.raises(InvalidRequest, match="no"):
        await writer.write(adding_then_failing("a", InvalidRequest("no")))
    assert await writer.write(adding("b")) == "b"
    assert disk.keys() == {"b"}


@pytest.mark.parametrize("error", [apsw.SQLError("x"), ZeroDivisionError(), KeyError("k")])
async def test_an_unforeseen_error_reaches_its_caller_alone(writer: Writer, disk: Disk, error: Exception) -> None:
    outcomes = await together(writer, adding("a"), adding_then_failing("b", error), adding("c"))
    assert outcomes == ["a", error, "c"]
    assert disk.keys() == {"a", "c"}


async def test_an_error_that_no_future_can_carry_still_reaches_its_caller(writer: Writer, disk: Disk) -> None:
    outcomes = await together(writer, adding("a"), adding_then_failing("b", StopIteration()), adding("c"))
    assert isinstance(outcomes[1], RuntimeError)
    assert [outcomes[0], outcomes[2]] == ["a", "c"]
    assert disk.keys() == {"a", "c"}


async def test_broken_constraints_are_taken_back_to_the_beginning_of_the_work(writer: Writer, disk: Disk) -> None:
    def twice(connection: apsw.Connection) -> None:
        adding("new")(connection)
        adding("a")(connection)

    outcomes = await together(writer, adding("a"), twice, adding("c"))
    assert isinstance(outcomes[1], apsw.ConstraintError)
    assert disk.keys() == {"a", "c"}


async def test_a_commit_that_fails_fails_all_of_its_works(writer: Writer, disk: Disk) -> None:
    disk.failing = True
    own = InvalidRequest("no")
    outcomes = await together(writer, adding("a"), adding_then_failing("b", own), adding("c"))
    assert isinstance(outcomes[0], Unavailable)
    assert outcomes[1] is own
    assert isinstance(outcomes[2], Unavailable)
    assert disk.keys() == set()
    disk.failing = False
    await writer.write(adding("later"))
    assert disk.keys() == {"later"}


async def test_a_full_disk_is_an_error_and_nothing_half_written_stays(writer: Writer, disk: Disk) -> None:
    def fill(connection: apsw.Connection) -> None:
        pages = connection.pragma("page_count")
        connection.pragma("max_page_count", pages + 1)
        adding("half")(connection)
        connection.execute("INSERT INTO meta(key, value) VALUES ('big', zeroblob(1000000))")

    outcomes = await together(writer, adding("a"), fill, adding("c"))
    assert isinstance(outcomes[1], Unavailable)
    assert "disk" in str(outcomes[1])
    acknowledged = {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert disk.keys() == acknowledged


async def test_a_write_waits_for_another_process_and_gives_up_after_the_busy_timeout(disk: Disk) -> None:
    disk.busy_timeout_ms = 50
    writer = Writer(disk.path, disk.connect)
    writer.start()
    with closing(apsw.Connection(str(disk.path))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await writer.write(adding("a"))
        other.execute("ROLLBACK")
        assert await writer.write(adding("a")) == "a"
    await asyncio.to_thread(writer.close)
    assert disk.keys() == {"a"}


async def test_a_file_that_cannot_be_opened_is_an_error_until_it_can(disk: Disk) -> None:
    disk.unreachable = True
    writer = Writer(disk.path, disk.connect)
    writer.start()
    with pytest.raises(Unavailable, match="open"):
        await writer.write(adding("a"))
    disk.unreachable = False
    assert await writer.write(adding("a")) == "a"
    await asyncio.to_thread(writer.close)


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(disk: Disk) -> None:
    writer = Writer(disk.path, disk.connect)
    writer.start()
    held = Held()
    waiting = [asyncio.ensure_future(writer.write(work)) for work in (held, adding("a"), adding("b"))]
    await asyncio.to_thread(held.begun.wait, WAIT_S)
    closed = asyncio.ensure_future(asyncio.to_thread(writer.close))
    held.go.set()
    assert (await asyncio.gather(*waiting))[1:] == ["a", "b"]
    await closed
    with pytest.raises(Unavailable, match="closed"):
        await writer.write(adding("late"))
    writer.close()
    assert disk.keys() == {"a", "b"}


async def test_a_caller_that_gives_up_harms_nobody(writer: Writer, disk: Disk) -> None:
    held = Held()
    first = asyncio.ensure_future(writer.write(held))
    await asyncio.to_thread(held.begun.wait, WAIT_S)
    impatient = asyncio.ensure_future(writer.write(adding("a")))
    patient = asyncio.ensure_future(writer.write(adding("b")))
    await asyncio.sleep(0)
    impatient.cancel()
    held.go.set()
    await first
    assert await patient == "b"
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert disk.keys() == {"a", "b"}


async def test_callers_of_several_event_loops_are_all_answered(writer: Writer, disk: Disk) -> None:
    def write(key: str) -> str:
        return asyncio.run(writer.write(adding(key)))

    results = await asyncio.gather(*(asyncio.to_thread(write, f"k{n}") for n in range(4)))
    assert sorted(results) == ["k0", "k1", "k2", "k3"]
    assert disk.keys() == set(results)


async def test_an_idle_writer_merges_the_segments_of_the_word_index(writer: Writer, disk: Disk) -> None:
    def index(number: int) -> Callable[[apsw.Connection], None]:
        def work(connection: apsw.Connection) -> None:
            connection.execute("INSERT INTO fts(rowid, w) VALUES (?, ?)", (number, f"word{number} shared"))

        return work

    def segments() -> int:
        with closing(apsw.Connection(str(disk.path))) as connection:
            count: int = connection.execute("SELECT count(DISTINCT segid) FROM fts_idx").get
            return count

    for number in range(12):
        await writer.write(index(number))
    before = segments()
    assert before > 1
    assert await asyncio.to_thread(holds_within, WAIT_S, lambda: segments() < before)


async def test_an_idle_writer_copies_the_log_into_the_file(writer: Writer, disk: Disk) -> None:
    before = disk.path.stat().st_size
    await writer.write(adding_blob("big", 2 * IDLE_BYTES))
    assert await asyncio.to_thread(holds_within, WAIT_S, lambda: disk.path.stat().st_size > before + 2 * IDLE_BYTES)

"""What records tell of themselves, gathered row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent_memory_server.domain.told import MOST_SOURCES, Telling, ToldRows


def telling(id_: str, **fields: Any) -> Telling:
    given: dict[str, Any] = {
        "place": 1,
        "session_id": "s",
        "memory_type": "message",
        "created_at": 0.0,
        "persisted_at": None,
    }
    more: dict[str, Any] = {"id": id_, "event_date": None, "head": "Ada: hi", "sources": (id_,)}
    return Telling(**(given | more | fields))


def fact(id_: str, *sources: str, **fields: Any) -> Telling:
    return telling(id_, memory_type="semantic", sources=sources, **fields)


def test_a_fact_names_the_messages_of_its_session_that_it_was_read_out_of() -> None:
    rows = ToldRows()
    rows.extend([telling("1"), telling("2"), fact("f", "1", "2"), fact("other", "1", session_id="t")])
    told = rows.told(4)
    assert told.sources[2] == (told.messages[0], told.messages[1])
    assert told.sources[3][0] not in told.messages.tolist()
    assert told.messages[2] == told.messages[3] == 0


def test_messages_of_equal_ids_are_the_same_only_in_the_same_session_of_the_same_place() -> None:
    rows = ToldRows()
    rows.extend([telling("1"), telling("1", session_id="t"), telling("1", place=2)])
    assert len(set(rows.told(3).messages.tolist())) == 3


def test_a_digest_of_many_messages_is_no_other_way_to_say_one_of_them() -> None:
    rows = ToldRows()
    rows.extend([fact("few", *map(str, range(MOST_SOURCES))), fact("many", *map(str, range(MOST_SOURCES + 1)))])
    assert list(rows.told(2).sources) == [0]


def test_rows_may_be_gathered_in_steps_and_read_as_they_were() -> None:
    rows, at_once = ToldRows(), ToldRows()
    records = [
        telling("1", created_at=3.0), fact("f", "1", event_date=9.0), telling("2", created_at=1.0, head="Ben: yes"),
    ]  # fmt: skip
    for record in records:
        rows.extend([record])
    at_once.extend(records)
    for told in (rows.told(3), at_once.told(3)):
        assert [told.names[speaker] for speaker in told.speakers] == ["ada", "", "ben"]
        assert told.created.tolist() == [3.0, 0.0, 1.0]
        assert np.isnan(told.events).tolist() == [True, False, True]
    part = rows.told(3).of(np.array([1, 0]))
    assert part.sources == {0: (part.messages[1],)}
    assert rows.told(1).created.tolist() == [3.0]


def test_neighbours_are_live_messages_of_one_session_by_time() -> None:
    rows = ToldRows()
    rows.extend([telling("3", created_at=3.0), fact("f"), telling("1", created_at=1.0), telling("2", created_at=2.0)])
    order = np.arange(4)
    assert rows.around(order, None).rows[3].tolist() == [2, 0, -1, -1]
    assert rows.around(order, np.array([True, True, True, False])).rows[0].tolist() == [2, -1, -1, -1]
    assert rows.around(order, None).rows[1].tolist() == [-1, -1, -1, -1]

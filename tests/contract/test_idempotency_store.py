"""The contract of `IdempotencyStore`."""

from __future__ import annotations

import asyncio

import pytest

from agent_memory_server.ports.idempotency import IdempotencyStore, KeptAnswer


def answer(body: bytes, **changes: object) -> KeptAnswer:
    values = {"request_digest": "d" * 64, "status": 201, "body": body, "headers": (("x-a", "1"), ("x-a", "2"))}
    return KeptAnswer(**values | changes)  # type: ignore[arg-type]


async def test_an_answer_is_found_as_it_was_kept(answers: IdempotencyStore) -> None:
    kept = answer(b'{"id": "\xc3\xa9"}\x00')
    await answers.keep("ann", "k", kept, now=0.0, expires_at=10.0)
    assert await answers.find("ann", "k", now=9.9) == kept


async def test_an_answer_without_body_and_headers_is_an_answer(answers: IdempotencyStore) -> None:
    kept = answer(b"", headers=(), status=204)
    await answers.keep("ann", "k", kept, now=0.0, expires_at=10.0)
    assert await answers.find("ann", "k", now=1.0) == kept


async def test_answers_belong_to_a_subject_and_a_key(answers: IdempotencyStore) -> None:
    places = [("ann", "k"), ("Ann", "k"), ("ann", "K"), ("", "ann k"), ("ann|k", ""), ("ann", "k\x00"), ("", "")]
    for number, (subject, key) in enumerate(places):
        assert await answers.find(subject, key, now=0.0) is None
        await answers.keep(subject, key, answer(b"%d" % number), now=0.0, expires_at=10.0)
    for number, (subject, key) in enumerate(places):
        found = await answers.find(subject, key, now=1.0)
        assert found is not None
        assert found.body == b"%d" % number


async def test_the_first_answer_stays_until_it_expires(answers: IdempotencyStore) -> None:
    await answers.keep("ann", "k", answer(b"first"), now=0.0, expires_at=10.0)
    await answers.keep("ann", "k", answer(b"second"), now=9.0, expires_at=20.0)
    found = await answers.find("ann", "k", now=9.0)
    assert found is not None
    assert found.body == b"first"
    assert await answers.find("ann", "k", now=10.0) is None


async def test_an_expired_answer_gives_way_to_a_new_one(answers: IdempotencyStore) -> None:
    await answers.keep("ann", "k", answer(b"first"), now=0.0, expires_at=10.0)
    await answers.keep("ann", "k", answer(b"second", status=200, headers=()), now=10.0, expires_at=20.0)
    assert await answers.find("ann", "k", now=19.0) == answer(b"second", status=200, headers=())


async def test_of_many_answers_kept_at_once_one_stays(answers: IdempotencyStore) -> None:
    await asyncio.gather(*(answers.keep("ann", "k", answer(b"%d" % n), now=0.0, expires_at=10.0) for n in range(20)))
    found = await answers.find("ann", "k", now=1.0)
    await answers.keep("ann", "k", answer(b"late"), now=2.0, expires_at=12.0)
    assert await answers.find("ann", "k", now=3.0) == found


@pytest.mark.parametrize(("now", "purged"), [(9.9, 0), (10.0, 1), (20.0, 2), (99.0, 3)])
async def test_purging_drops_exactly_what_has_expired(answers: IdempotencyStore, now: float, purged: int) -> None:
    for number in (1, 2, 3):
        await answers.keep("ann", str(number), answer(b""), now=0.0, expires_at=10.0 * number)
    assert await answers.purge_expired(now=now) == purged
    assert await answers.purge_expired(now=now) == 0
    left = [await answers.find("ann", str(number), now=0.0) for number in (1, 2, 3)]
    assert sum(each is not None for each in left) == 3 - purged

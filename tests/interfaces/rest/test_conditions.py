from __future__ import annotations

import asyncio

import pytest

from tests.support.rest import Server, answered

S = "/v1/working-memory/s"
K = "/v1/long-term-memory/k"


async def test_a_revision_is_told_by_every_read_and_write(server: Server) -> None:
    assert (await server.http.put(S, json={})).headers["etag"] == '"1"'
    assert (await server.http.put(S, json={})).headers["etag"] == '"2"'
    read = await server.http.get(S)
    assert (read.headers["etag"], read.json()["revision"]) == ('"2"', 2)
    await server.remember({"id": "k", "text": "t"})
    assert (await server.http.get(K)).headers["etag"] == '"1"'
    assert (await server.http.patch(K, json={"pinned": True})).headers["etag"] == '"2"'


@pytest.mark.parametrize("tag", ['"1"', "1", 'W/"1"'])
async def test_a_write_to_the_revision_it_names_succeeds(server: Server, tag: str) -> None:
    await server.http.put(S, json={"data": {"v": 1}})
    await server.remember({"id": "k", "text": "t"})
    answered(await server.http.put(S, json={"data": {"v": 2}}, headers={"If-Match": tag}))
    answered(await server.http.patch(K, json={"text": "u"}, headers={"If-Match": tag}))


@pytest.mark.parametrize("tag", ['"1"', '"3"', '"0"'])
async def test_a_write_to_another_revision_is_a_conflict_and_changes_nothing(server: Server, tag: str) -> None:
    for _ in range(2):
        await server.http.put(S, json={"data": {"v": 1}})
    await server.remember({"id": "k", "text": "t"})
    await server.http.patch(K, json={"pinned": True})
    put = await server.http.put(S, json={"data": {"v": 9}}, headers={"If-Match": tag})
    patch = await server.http.patch(K, json={"text": "u"}, headers={"If-Match": tag})
    assert [(r.status_code, r.json()["code"]) for r in (put, patch)] == [(409, "conflict")] * 2
    assert answered(await server.http.get(S))["data"] == {"v": 1}
    assert answered(await server.http.get(K))["text"] == "t"


async def test_a_session_is_made_only_where_there_is_none(server: Server) -> None:
    headers = {"If-None-Match": "*"}
    answered(await server.http.put(S, json={"data": {"v": 1}}, headers=headers))
    assert (await server.http.put(S, json={"data": {"v": 2}}, headers=headers)).status_code == 409
    assert answered(await server.http.get(S))["data"] == {"v": 1}


async def test_of_writers_that_read_the_same_revision_one_wins(server: Server) -> None:
    await server.http.put(S, json={"data": {"v": 0}})
    puts = [server.http.put(S, json={"data": {"v": n}}, headers={"If-Match": '"1"'}) for n in range(1, 11)]
    statuses = sorted(response.status_code for response in await asyncio.gather(*puts))
    assert statuses == [200] + [409] * 9


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "*"}, {"If-Match": "abc"}, {"If-Match": '"1", "2"'}, {"If-Match": "-1"}, {"If-None-Match": '"1"'}],
)
async def test_a_condition_that_cannot_be_read_is_refused(server: Server, headers: dict[str, str]) -> None:
    response = await server.http.put(S, json={}, headers=headers)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["header", next(iter(headers)).lower()]

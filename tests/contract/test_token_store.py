"""The contract of `TokenStore`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.token import Token, digest_of
from agent_memory_server.ports.token_store import TokenStore


def token(secret: str, *, created_at: float = 100.0) -> Token:
    return Token(digest=digest_of(secret), description=f"token {secret}", created_at=created_at)


NARROW = Scope(frozenset({"team:a|b", ""}), frozenset({"Ann", "ann", "\x00"}))


@pytest.mark.parametrize(
    "stored",
    [
        token("plain"),
        replace(token("limited"), scope=NARROW, actions=frozenset({Action.READ}), expires_at=200.5),
        replace(token("of nobody"), scope=Scope(frozenset(), frozenset()), actions=frozenset()),
        replace(token("odd"), description='"; DROP TABLE tokens; -- ☃\x00'),
    ],
    ids=lambda stored: stored.description[:12],
)
async def test_a_token_is_found_as_it_was_added(tokens: TokenStore, stored: Token) -> None:
    await tokens.add(stored)
    assert await tokens.find(stored.digest) == stored


async def test_an_expired_token_is_still_found(tokens: TokenStore) -> None:
    expired = replace(token("old"), expires_at=1.0)
    await tokens.add(expired)
    assert await tokens.find(expired.digest) == expired


async def test_only_the_exact_digest_finds_a_token(tokens: TokenStore) -> None:
    stored = token("one")
    await tokens.add(stored)
    for other in (stored.digest.upper(), stored.digest[:-1], stored.digest + "0", "", "%"):
        assert await tokens.find(other) is None


async def test_a_digest_can_be_added_once_only_and_the_first_token_stays(tokens: TokenStore) -> None:
    first = token("one")
    await tokens.add(first)
    with pytest.raises(Conflict):
        await tokens.add(replace(first, scope=EVERYWHERE, description="another"))
    assert await tokens.find(first.digest) == first


async def test_of_many_who_add_one_digest_at_once_one_succeeds(tokens: TokenStore) -> None:
    results = await asyncio.gather(*(tokens.add(token("same")) for _ in range(20)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19


async def test_of_many_who_add_a_first_token_at_once_one_succeeds_however_often_it_says_so(tokens: TokenStore) -> None:
    many = [token(str(n)) for n in range(20)]
    stored = await asyncio.gather(*(tokens.add_first(each) for each in many))
    assert stored.count(True) == 1
    first = many[stored.index(True)]
    assert [await tokens.add_first(each) for each in many] == stored
    assert list(await tokens.list()) == [first]


async def test_no_token_is_the_first_beside_another_one(tokens: TokenStore) -> None:
    await tokens.add(replace(token("old"), expires_at=1.0))
    assert await tokens.add_first(token("late")) is False
    assert len(await tokens.list()) == 1


async def test_tokens_are_listed_oldest_first(tokens: TokenStore) -> None:
    assert list(await tokens.list()) == []
    stored = [token("c", created_at=3.0), token("a", created_at=1.0), token("b", created_at=2.0)]
    for each in stored:
        await tokens.add(each)
    assert [each.description for each in await tokens.list()] == ["token a", "token b", "token c"]


async def test_a_prefix_finds_every_token_whose_digest_begins_with_it(tokens: TokenStore) -> None:
    stored = [
        replace(token(str(n), created_at=float(-n)), digest=digest) for n, digest in enumerate(["ab0", "ab1", "b"])
    ]
    for each in stored:
        await tokens.add(each)
    assert [each.digest for each in await tokens.find_by_prefix("ab")] == ["ab1", "ab0"]
    assert [each.digest for each in await tokens.find_by_prefix("ab0")] == ["ab0"]
    assert len(await tokens.find_by_prefix("")) == 3


@pytest.mark.parametrize("prefix", ["AB", "%", "_b", "a%", "ab00", "\x00", "*", "[a]"])
async def test_a_prefix_is_literal(tokens: TokenStore, prefix: str) -> None:
    await tokens.add(replace(token("x"), digest="ab0"))
    assert list(await tokens.find_by_prefix(prefix)) == []


async def test_a_removed_token_is_gone_and_removing_it_again_says_so(tokens: TokenStore) -> None:
    gone, left = token("gone"), token("left")
    await tokens.add(gone)
    await tokens.add(left)
    assert await tokens.remove(gone.digest) is True
    assert await tokens.remove(gone.digest) is False
    assert await tokens.find(gone.digest) is None
    assert list(await tokens.list()) == [left]
    await tokens.add(gone)
    assert await tokens.find(gone.digest) == gone

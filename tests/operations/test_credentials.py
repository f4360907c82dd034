"""Access tokens."""

from __future__ import annotations

import math

import pytest

from agent_memory_server.domain.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.token import new_secret
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import add_token, bootstrap_token, find_token, principal_of
from tests.operations.given import SettableClock


async def test_a_token_acts_within_what_it_grants(app: Application) -> None:
    scope, actions = Scope(frozenset({"team"}), frozenset({"ana"})), frozenset({Action.READ})
    new = await add_token(app, description="bot", scope=scope, actions=actions)
    who = await principal_of(app, new.secret)
    assert (who.scope, who.actions) == (scope, actions)
    assert new.secret not in repr(await app.tokens.list())


@pytest.mark.parametrize("secret", ["", "mem_", "mem_unknown", "é", "\ud800"])
async def test_an_unknown_secret_is_nobody(app: Application, secret: str) -> None:
    await add_token(app, description="bot")
    with pytest.raises(Unauthenticated):
        await principal_of(app, secret)


async def test_a_token_ends_when_it_expires(app: Application, clock: SettableClock) -> None:
    new = await add_token(app, description="bot", expires_days=0.5)
    clock.now += 0.5 * 86_400 - 1
    await principal_of(app, new.secret)
    clock.now += 1
    with pytest.raises(Unauthenticated, match="expired"):
        await principal_of(app, new.secret)


@pytest.mark.parametrize("days", [0.0, -1.0, math.nan, math.inf, 1_000_001.0])
async def test_a_life_that_no_calendar_shows_is_refused(app: Application, days: float) -> None:
    with pytest.raises(InvalidRequest):
        await add_token(app, description="bot", expires_days=days)
    assert await app.tokens.list() == []


async def test_a_token_of_no_rights_a_short_one_and_one_that_is_there_are_refused(app: Application) -> None:
    with pytest.raises(InvalidRequest):
        await add_token(app, description="bot", actions=frozenset())
    with pytest.raises(InvalidRequest):
        await add_token(app, description="bot", secret="x" * 15)
    await add_token(app, description="bot", secret="x" * 16)
    with pytest.raises(Conflict):
        await add_token(app, description="again", secret="x" * 16)


async def test_a_first_token_is_made_once(app: Application) -> None:
    first = await bootstrap_token(app, new_secret())
    assert first is not None
    assert (await principal_of(app, first.secret)).scope == Scope()
    assert await bootstrap_token(app, new_secret()) is None


async def test_a_first_token_whose_making_is_repeated_is_one_token(app: Application) -> None:
    secret = new_secret()
    for _ in range(2):
        made = await bootstrap_token(app, secret)
        assert made is not None
        assert made.secret == secret
    assert len(await app.tokens.list()) == 1


async def test_a_token_is_named_by_a_beginning_that_fits_it_alone(app: Application) -> None:
    tokens = [(await add_token(app, description=str(n))).token for n in range(20)]
    assert await find_token(app, tokens[3].digest[:20].upper()) == tokens[3]
    with pytest.raises(Conflict):
        await find_token(app, "")
    with pytest.raises(NotFound):
        await find_token(app, "xyz")

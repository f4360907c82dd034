"""Scopes, hashes, tokens, recency and token estimates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.memory import Memory, content_hash, hash_of
from agent_memory_server.domain.recency import Recency, combined_score, recency_score
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.token import Token, digest_of, new_secret
from agent_memory_server.domain.tokens import estimate_tokens

DAY = 86400.0
names = st.none() | st.frozensets(st.sampled_from(["", "a", "A", "b"]))
scopes = st.builds(Scope, names, names)


def memory(*, created_at: float = 0.0, last_accessed: float = 0.0) -> Memory:
    return Memory(id="m", text="tea", created_at=created_at, updated_at=0.0, last_accessed=last_accessed)


@given(scopes, scopes, st.sampled_from(["", "a", "A", "b"]), st.sampled_from(["", "a", "A", "b"]))
def test_an_intersection_allows_what_both_allow(one: Scope, other: Scope, namespace: str, user: str) -> None:
    both = one.intersect(other)
    assert both.allows(namespace, user) == (one.allows(namespace, user) and other.allows(namespace, user))


def test_scopes_are_exact() -> None:
    scope = Scope(frozenset({"team"}), frozenset({"alice"}))
    assert scope.allows("team", "alice")
    assert not scope.allows("Team", "alice")
    assert not scope.allows("team", "alice ")
    assert not scope.allows("team", "")
    assert EVERYWHERE.allows("", "")


def test_the_content_hash_is_the_one_of_the_published_format() -> None:
    expected = "1963c7e3d69feabdd2d995e73571b25587427ca2532f650904d16362f75f81ab"
    assert content_hash("semantic", "ns1", "", "User loves espresso coffee in the morning", "u1") == expected


def test_equal_text_in_another_place_has_another_hash() -> None:
    assert hash_of(memory()) != content_hash("semantic", "", "", "tea", "u1")


def test_a_secret_is_random_and_its_digest_does_not_show_it() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(first) >= 43
    assert digest_of(first) != digest_of(second)
    assert first not in digest_of(first)
    assert digest_of("\ud800")  # a lone surrogate in a header is no reason to fail


def test_a_token_expires_at_its_time() -> None:
    token = Token(digest="d", description="", created_at=0.0, expires_at=10.0)
    assert not token.expired(9.9)
    assert token.expired(10.0)
    assert not Token(digest="d", description="", created_at=0.0).expired(1e12)


def test_recency_halves_per_half_life() -> None:
    now = 100 * DAY
    fresh = recency_score(memory(created_at=now, last_accessed=now), now)
    assert fresh == pytest.approx(1.0)
    old = recency_score(memory(created_at=now - 30 * DAY, last_accessed=now - 7 * DAY), now)
    assert old == pytest.approx(0.5)


def test_times_in_the_future_count_as_now() -> None:
    assert recency_score(memory(created_at=9e9, last_accessed=9e9), 0.0) == pytest.approx(1.0)


def test_the_combined_score_weighs_similarity_and_recency() -> None:
    now = 100 * DAY
    value = combined_score(memory(created_at=now, last_accessed=now), 0.5, now, Recency())
    assert value == pytest.approx(0.8 * 0.5 + 0.2 * 1.0)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("Hello world", 2), ("    ", 1), ("1234567", 3), ("你好世界", 3)]
)
def test_tokens_are_estimated(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_never_takes_fewer_tokens_by_more_than_the_seam(one: str, two: str) -> None:
    assert estimate_tokens(one + " " + two) >= max(estimate_tokens(one), estimate_tokens(two)) - 1

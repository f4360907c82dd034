"""Rights are narrowed and never widened, whatever a request asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.principal import LOCAL, Action, Principal
from agent_memory_server.domain.scope import Scope
from agent_memory_server.operations.authorize import place, require

names = st.sampled_from(["", "a", "A", "b", "a ", "a,b", "*", "é", "e\u0301"])
grants = st.none() | st.frozensets(names, max_size=3)
scopes = st.builds(Scope, grants, grants)
principals = st.builds(
    lambda scope, actions: Principal(subject="p", scope=scope, actions=actions),
    scopes,
    st.frozensets(st.sampled_from(Action)),
)


def placed(who: Principal, action: Action, namespace: str, user_id: str) -> tuple[str, str] | None:
    try:
        return place(who, action, namespace, user_id)
    except Forbidden:
        return None


@given(principals, st.sampled_from(Action), names, names)
def test_a_place_is_always_inside_the_grant(who: Principal, action: Action, namespace: str, user_id: str) -> None:
    result = placed(who, action, namespace, user_id)
    assert result is None or (who.scope.allows(*result) and action in who.actions)


@given(principals, st.sampled_from(Action), names, names)
def test_what_is_granted_as_asked_is_never_moved(who: Principal, action: Action, namespace: str, user_id: str) -> None:
    asked = (namespace, user_id)
    if who.scope.allows(*asked) and action in who.actions:
        assert placed(who, action, *asked) == asked


@given(principals, st.sampled_from(Action), names, names)
def test_only_what_a_request_leaves_out_is_filled_in(
    who: Principal, action: Action, namespace: str, user_id: str
) -> None:
    result = placed(who, action, namespace, user_id)
    if result is not None:
        assert result[0] == namespace or namespace == ""
        assert result[1] == user_id or user_id == ""


@given(principals, st.sampled_from(Action))
def test_an_action_is_done_within_the_granted_scope_or_not_at_all(who: Principal, action: Action) -> None:
    if action in who.actions:
        assert require(who, action) == who.scope
    else:
        with pytest.raises(Forbidden):
            require(who, action)


@given(scopes, scopes, names, names)
def test_an_intersection_allows_what_both_allow(one: Scope, other: Scope, namespace: str, user_id: str) -> None:
    both = one.intersect(other)
    assert both == other.intersect(one)
    assert both.allows(namespace, user_id) == (one.allows(namespace, user_id) and other.allows(namespace, user_id))


@given(names, names)
def test_without_authentication_everything_is_allowed_as_asked(namespace: str, user_id: str) -> None:
    assert all(place(LOCAL, action, namespace, user_id) == (namespace, user_id) for action in Action)


def test_a_grant_of_several_values_asks_for_one_of_them() -> None:
    who = Principal(subject="p", scope=Scope(frozenset({"a", "b"}), None), actions=frozenset({Action.WRITE}))
    with pytest.raises(Forbidden, match="name one"):
        place(who, Action.WRITE, "", "u")
    assert place(who, Action.WRITE, "b", "u") == ("b", "u")


def test_a_grant_of_nothing_grants_nothing() -> None:
    who = Principal(subject="p", scope=Scope(frozenset(), None), actions=frozenset(Action))
    for namespace in ("", "a"):
        assert placed(who, Action.READ, namespace, "") is None

"""A text stands for others only if it holds what they say, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory_server.domain.merging import stands_for

STANDS = [
    ("User likes green tea.", ["User likes green tea", "The user enjoys green tea!"]),
    ("User enjoys green tea in the morning.", ["User likes green tea", "In the morning the user enjoys green tea"]),
    ("User works for Acme as a nurse since 2019", ["User works as a nurse for Acme", "User works for Acme since 2019"]),
    ("User has worked for Acme since 2019", ["User works for Acme", "User has worked for Acme since 2019"]),
    ("User does not eat meat", ["The user doesn't eat meat", "User does not eat meat"]),
    ("用户喜欢绿茶", ["用户喜欢绿茶", "用户喜欢绿茶"]),
]
DOES_NOT_STAND = [
    ("", ["User likes tea", "User likes tea"]),
    ("User likes tea", ["User likes tea", "User likes coffee"]),
    ("User has dogs", ["User has 2 dogs", "User has dogs"]),
    ("User has three dogs", ["User has two dogs", "User has three dogs"]),
    ("User met Ana on May 3", ["User met Ana in Rome", "User met Ana on May 3"]),
    ("User met her in May", ["User met Ana in May", "User met her in May"]),
    ("User flies on Monday", ["User flies on Tuesday", "User flies on Monday"]),
    ("User eats meat", ["User does not eat meat", "User eats meat"]),
    ("User does not eat meat", ["User does not eat meat", "User eats meat"]),
    ("User likes green tea and hates Bob", ["User likes green tea", "User enjoys green tea"]),
    ("User likes green tea, 3 cups a day", ["User likes green tea", "User enjoys green tea"]),
    ("User likes green tea served cold", ["User likes green tea", "User enjoys green tea"]),
    ("User has 2 cats and 3 dogs", ["User has 3 cats", "User has 2 dogs"]),
    ("Ann likes Bob", ["Ann likes Bob", "Bob likes Ann"]),
    ("Anne likes tea", ["Anne likes tea", "Ann likes tea"]),
    ("User prefers tea to coffee", ["User prefers tea to coffee", "User prefers coffee to tea"]),
    (
        "User is allergic to nuts, not milk",
        ["User is allergic to nuts, not milk", "User is not allergic to nuts, milk"],
    ),
    ("User used to smoke", ["User used to smoke", "User smokes"]),
    ("User owes €5", ["User owes €5", "User owes $5"]),
    ("User eats lunch before noon", ["User eats lunch before noon", "User eats lunch after noon"]),
    ("User smokes in 2019", ["User smokes in 2019", "User smoked in 2019"]),
    ("User codes in C++", ["User codes in C++", "User codes in C"]),
    ("User's sister likes tea", ["User's sister likes tea", "User likes tea"]),
    ("Ann likes tea", ["Ann likes tea", "User likes tea"]),
    ("User wants a dog", ["User wants a dog", "User has a dog"]),
    ("User lives near Rome", ["User lives near Rome", "User lives in Rome"]),
    ("User flies before Monday", ["User flies before Monday", "User flies on Monday"]),
]


@pytest.mark.parametrize(("merged", "texts"), STANDS)
def test_what_holds_all_of_it_stands_for_it(merged: str, texts: list[str]) -> None:
    assert stands_for(merged, texts)


@pytest.mark.parametrize(("merged", "texts"), DOES_NOT_STAND)
def test_what_loses_or_invents_something_does_not(merged: str, texts: list[str]) -> None:
    assert not stands_for(merged, texts)


SENTENCE = st.lists(
    st.sampled_from("User Ana likes not 3 4 tea coffee Rome Monday two dogs since 2019-05-01".split()), min_size=1
).map(" ".join)


@settings(deadline=None)
@given(SENTENCE, SENTENCE, SENTENCE)
def test_no_number_or_name_is_ever_lost_or_added(merged: str, one: str, other: str) -> None:
    if stands_for(merged, [one, other]):
        exact = {"Ana", "3", "4", "Rome", "Monday", "two", "2019-05-01"}
        told = set(merged.split()) & exact
        assert told == (set(one.split()) | set(other.split())) & exact

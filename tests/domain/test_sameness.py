from __future__ import annotations

import pytest

from agent_memory_server.domain.sameness import Relation, relation

SAME = [
    ("User likes green tea.", "The user likes green tea"),
    ("User likes green tea.", "user enjoys green tea!"),
    ("I love green tea", "User really likes green tea."),
    ("User's favorite color is blue", "The user's favourite colour is blue."),
    ("User works as a nurse in Berlin", "In Berlin, the user works as nurse"),
    ("User doesn't like coffee", "The user does not like coffee."),
]
CONTRADICTIONS = [
    ("User likes coffee", "User does not like coffee"),
    ("User likes coffee", "User no longer likes coffee"),
    ("User's favourite colour is blue", "User's favorite color is green"),
    ("User's name is Ana", "User's name is Anna"),
]
DIFFERENT = [
    ("User prefers tea over coffee", "User prefers coffee over tea"),
    ("Ana likes Bob", "Bob likes Ana"),
    ("User has 2 dogs", "User has 3 dogs"),
    ("User has a manager", "User is a manager"),
    ("User lived in Rome", "User lives in Rome"),
    ("User lives in Berlin", "User lives in Germany"),
    ("User likes dogs", "User likes hot dogs"),
    ("User's sister is named Ana", "User's sister is named Eva"),
    ("User met Ana on 2024-05-01", "User met Ana on 2024-05-02"),
    ("User's favourite colour is blue", "User's favourite season is autumn"),
    ("Ana's favourite colour is blue", "User's favourite colour is green"),
    ("", "User likes tea"),
    ("!", "?"),
]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        *((*pair, Relation.SAME) for pair in SAME),
        *((*pair, Relation.CONTRADICTION) for pair in CONTRADICTIONS),
        *((*pair, Relation.DIFFERENT) for pair in DIFFERENT),
    ],
)
def test_texts_are_related_as_expected_in_both_directions(one: str, other: str, expected: Relation) -> None:
    assert relation(one, other) is relation(other, one) is expected

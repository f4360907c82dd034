"""Which names may lead here."""

from __future__ import annotations

import pytest

from agent_memory_server.interfaces.mcp.reach import Reach


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "app.localhost:3", "10.0.0.7"]
)
def test_this_machine_and_addresses_are_always_fine(host: str) -> None:
    assert Reach().admits_host(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil", "@"]
)
def test_names_that_a_stranger_may_have_chosen_are_not(host: str | None) -> None:
    assert not Reach().admits_host(host)


def test_names_without_a_dot_are_fine_where_containers_call() -> None:
    assert Reach(plain_names=True).admits_host("memory:9000")
    assert not Reach(plain_names=True).admits_host("memory.example")


@pytest.mark.parametrize(
    ("listed", "host", "fine"),
    [
        ("memory.example", "memory.example", True),
        ("memory.example", "Memory.Example", True),
        ("memory.example", "memory.example:8443", False),
        ("memory.example:8443", "memory.example:8443", True),
        ("memory.example:*", "memory.example:8443", True),
        ("memory.example:*", "memory.example", True),
        ("memory.example:*", "memory.example.evil:1", False),
    ],
)
def test_listed_names_are_compared_whole(listed: str, host: str, fine: bool) -> None:
    assert Reach(hosts=(listed,)).admits_host(host) is fine


def test_a_token_makes_every_host_fine_but_not_every_page() -> None:
    guarded = Reach(any_host=True)
    assert guarded.admits_host("anything.example")
    assert guarded.admits_origin("https://anything.example", "anything.example")
    assert not guarded.admits_origin("https://evil.example", "anything.example")


@pytest.mark.parametrize(
    ("origin", "fine"),
    [
        (None, True),
        ("", True),
        ("http://memory.example:9000", True),
        ("http://localhost:5173", True),
        ("https://other.example", False),
        ("https://other.example:8443", False),
        ("https://listed.example", True),
        ("https://ports.example:7", True),
        ("null", False),
        ("app://-", True),
    ],
)
def test_pages_are_fine_when_they_are_ours_local_or_listed(origin: str | None, fine: bool) -> None:
    reach = Reach(origins=("https://listed.example", "https://ports.example:*"))
    assert reach.admits_origin(origin, "memory.example:9000") is fine

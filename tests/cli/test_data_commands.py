"""search, delete and rebuild-index on a folder that a server has open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.chosen_engine import ON_REDIS
from tests.support.processes import Server, run, serving

MEMORIES = [
    {"id": "m1", "text": "Ada plays the cello.", "namespace": "home", "user_id": "ada", "topics": ["music"]},
    {"id": "m2", "text": "Bob plays chess.", "namespace": "club", "user_id": "bob", "entities": ["Bob"]},
    {"id": "m3", "text": "The club meets on Tuesday.", "namespace": "club", "user_id": "bob"},
]


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as running, running.client() as http:
        http.post("/v1/long-term-memory/", json={"memories": MEMORIES}).raise_for_status()
        yield running


def ids(folder: Path, *args: str) -> list[str]:
    done = run(folder, "search", *args, "--format", "json")
    assert done.returncode == 0, done.stderr
    return [memory["id"] for memory in json.loads(done.stdout)["memories"]]


@pytest.mark.usefixtures("server")
def test_search_finds_what_the_server_stored(folder: Path) -> None:
    assert ids(folder, "cello", "-l", "1") == ["m1"]
    assert ids(folder, "chess", "--search-mode", "keyword") == ["m2"]
    assert ids(folder, "club tuesday", "--search-mode", "hybrid", "--hybrid-alpha", "0.2", "-l", "1") == ["m3"]


@pytest.mark.usefixtures("server")
def test_search_narrows_by_filters_and_pages(folder: Path) -> None:
    assert sorted(ids(folder)) == ["m1", "m2", "m3"]
    assert ids(folder, "-n", "home") == ["m1"]
    assert sorted(ids(folder, "plays", "-u", "bob")) == ["m2", "m3"]
    assert ids(folder, "-t", "sports,music") == ["m1"]
    assert ids(folder, "-e", "Bob") == ["m2"]
    assert len(ids(folder, "-l", "2")) == 2
    assert len(ids(folder, "-l", "2", "-o", "2")) == 1
    assert ids(folder, "-s", "none") == []


@pytest.mark.usefixtures("server")
def test_search_prints_text_for_people(folder: Path) -> None:
    done = run(folder, "search", "cello", "-l", "1")
    assert "Ada plays the cello." in done.stdout
    assert "id m1" in done.stdout
    assert done.stdout.splitlines()[-1] == "Shown: 1-1 of 3."
    assert done.stderr == ""


@pytest.mark.usefixtures("server")
def test_a_threshold_outside_semantic_search_is_refused(folder: Path) -> None:
    done = run(folder, "search", "cello", "--search-mode", "keyword", "-d", "0.3")
    assert done.returncode == 1
    assert "distance_threshold" in done.stderr


def test_delete_memory_asks_first_and_the_server_sees_it(folder: Path, server: Server) -> None:
    assert run(folder, "delete", "memory", "m1", answer="n\n").returncode == 1
    with server.client() as http:
        assert http.get("/v1/long-term-memory/m1").status_code == 200
        assert run(folder, "delete", "memory", "m1", answer="y\n").returncode == 0
        assert http.get("/v1/long-term-memory/m1").status_code == 404


def test_delete_memory_stays_inside_the_named_namespace(folder: Path, server: Server) -> None:
    done = run(folder, "delete", "memory", "m1", "-n", "club", "-f")
    assert done.returncode == 1
    assert "No memory 'm1'" in done.stderr
    with server.client() as http:
        assert http.get("/v1/long-term-memory/m1").status_code == 200


@pytest.mark.usefixtures("server")
def test_a_dry_run_deletes_nothing(folder: Path) -> None:
    done = run(folder, "delete", "memory", "m1", "m2", "--dry-run")
    assert done.returncode == 0
    assert "Would delete 2." in done.stdout
    assert len(ids(folder)) == 3


@pytest.mark.usefixtures("server")
def test_delete_memory_needs_to_know_which(folder: Path) -> None:
    assert run(folder, "delete", "memory").returncode == 2
    assert run(folder, "delete", "memory", "--empty-text", "-f").returncode == 1
    assert run(folder, "delete", "memory", "--invalid", "-f").returncode == 0


def sessions(http: httpx2.Client) -> list[str]:
    listed: list[str] = http.get("/v1/working-memory/").raise_for_status().json()["sessions"]
    return listed


def test_delete_session_asks_first_and_the_server_sees_it(folder: Path, server: Server) -> None:
    with server.client() as http:
        message = {"role": "user", "content": "Hello", "created_at": "2026-01-01T00:00:00Z"}
        http.put("/v1/working-memory/s1", json={"messages": [message]}).raise_for_status()
        assert run(folder, "delete", "session", "s1", answer="n\n").returncode == 1
        assert sessions(http) == ["s1"]
        assert run(folder, "delete", "session", "s1", "-f").returncode == 0
        assert sessions(http) == []
    done = run(folder, "delete", "session", "s1", "-f")
    assert done.returncode == 1
    assert "No session 's1'" in done.stderr


def test_a_session_id_of_several_users_must_be_told_apart(folder: Path, server: Server) -> None:
    with server.client() as http:
        for user in ("ada", "bob"):
            http.put("/v1/working-memory/s1", json={"user_id": user, "messages": []}).raise_for_status()
        assert run(folder, "delete", "session", "s1", "-f").returncode == 1
        assert run(folder, "delete", "session", "s1", "-u", "ada", "-f").returncode == 0
        assert sessions(http) == ["s1"]


def test_the_index_is_rebuilt_while_a_server_runs(folder: Path, server: Server) -> None:
    done = run(folder, "rebuild-index")
    assert done.stdout == "Indexed 3 memories.\n"
    with server.client() as http:
        found = http.post("/v1/long-term-memory/search", json={"text": "chess", "search_mode": "keyword"}).json()
    assert [memory["id"] for memory in found["memories"]] == ["m2"]


def test_another_model_takes_over_after_re_embedding(folder: Path, server: Server) -> None:
    server.stop()
    wider = {"EMBEDDING_DIMENSIONS": "512"}
    done = run(folder, "rebuild-index", "--re-embed", env=wider)
    assert done.stdout.splitlines()[-1] == "Embedded 3 memories with deterministic."
    with serving(folder, env=wider) as again, again.client() as http:
        found = http.post("/v1/long-term-memory/search", json={"text": "cello", "limit": 1}).json()
    assert [memory["id"] for memory in found["memories"]] == ["m1"]


def test_an_index_needs_a_store(folder: Path) -> None:
    done = run(folder, "rebuild-index")
    assert done.returncode == 1
    assert ("no index in the Redis" if ON_REDIS else "no data in") in done.stderr
    assert not folder.exists()

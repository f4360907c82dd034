"""`agent-memory token`, and what the tokens are worth at a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.chosen_engine import everything_in
from tests.support.processes import run, serving


def add(folder: Path, *args: str) -> dict[str, Any]:
    done = run(folder, "token", "add", "-d", "agent", "--format", "json", *args)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def listed(folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(run(folder, "token", "list", "--format", "json").stdout)
    return entries


def test_a_token_is_printed_once_and_only_its_hash_is_listed(folder: Path) -> None:
    made = add(folder)
    (entry,) = listed(folder)
    assert entry["hash"] == made["hash"]
    assert entry["status"] == "Never Expires"
    assert made["token"] not in run(folder, "token", "list").stdout
    kept = everything_in(folder)
    assert made["hash"].encode() in kept
    assert made["token"].encode() not in kept


def test_grants_and_expiry_are_kept(folder: Path) -> None:
    options = ["--namespace", "a,b", "--namespace", "c", "--user", "ada", "--can", "read, write", "--expires-days", "2"]
    made = add(folder, *options)
    assert made["namespaces"] == ["a,b", "c"]
    assert made["users"] == ["ada"]
    assert made["actions"] == ["read", "write"]
    shown = json.loads(run(folder, "token", "show", made["hash"][:8], "--format", "json").stdout)
    assert shown["status"] == "Active"
    assert shown["expires_at"] == made["expires_at"]
    assert shown["namespaces"] == ["a,b", "c"]


@pytest.mark.parametrize(
    "args",
    [["--can", "everything"], ["--expires-days", "0"], ["--expires-days", "-1"], ["--expires-days", "soon"]],
)
def test_a_token_that_makes_no_sense_is_wrong_usage(folder: Path, args: list[str]) -> None:
    assert run(folder, "token", "add", "-d", "agent", *args).returncode == 2


def test_a_value_of_ones_own_is_used_unless_it_is_short_or_taken(folder: Path) -> None:
    assert add(folder, "--token", "0123456789abcdef")["token"] == "0123456789abcdef"
    assert run(folder, "token", "add", "-d", "x", "--token", "short").returncode == 1
    assert run(folder, "token", "add", "-d", "x", "--token", "0123456789abcdef").returncode == 1
    assert len(listed(folder)) == 1


def test_a_hash_that_fits_none_or_several_is_refused(folder: Path) -> None:
    add(folder), add(folder)
    done = run(folder, "token", "show", "zz", "--format", "json")
    assert done.returncode == 1
    assert "zz" in json.loads(done.stdout)["error"]
    assert run(folder, "token", "show", "").returncode == 1
    assert run(folder, "token", "remove", "", "-f").returncode == 1
    assert len(listed(folder)) == 2


def test_remove_asks_first_and_a_running_server_honours_it(folder: Path) -> None:
    made = add(folder)
    with serving(folder, env={"AUTH_MODE": "token"}) as server, server.client(made["token"]) as http:
        assert http.get("/v1/working-memory/").status_code == 200
        assert run(folder, "token", "remove", made["hash"][:12], answer="n\n").returncode == 1
        assert http.get("/v1/working-memory/").status_code == 200
        assert run(folder, "token", "remove", made["hash"][:12], answer="y\n").returncode == 0
        assert http.get("/v1/working-memory/").status_code == 401
    assert listed(folder) == []


def test_a_token_made_while_the_server_runs_is_valid_and_limited_to_its_grants(folder: Path) -> None:
    with serving(folder, env={"AUTH_MODE": "token"}) as server:
        made = add(folder, "--namespace", "home", "--can", "read")
        with server.client(made["token"]) as http:
            assert http.get("/v1/working-memory/", params={"namespace": "home"}).status_code == 200
            refused = http.post("/v1/long-term-memory/", json={"memories": [{"id": "m1", "text": "x"}]})
            assert refused.status_code == 403


def test_an_expired_token_is_listed_as_such_and_refused(folder: Path) -> None:
    made = add(folder, "--expires-days", "0.000000001")
    assert listed(folder)[0]["status"] == "EXPIRED"
    with serving(folder, env={"AUTH_MODE": "token"}) as server, server.client(made["token"]) as http:
        assert http.get("/v1/working-memory/").status_code == 401

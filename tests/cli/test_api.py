"""`agent-memory api` as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from agent_memory_server.domain.token import PREFIX
from tests.support.chosen_engine import on_a_folder
from tests.support.processes import BOUND_S, Server, run, serving


def store(http: httpx2.Client, id_: str, text: str) -> httpx2.Response:
    return http.post("/v1/long-term-memory/", json={"memories": [{"id": id_, "text": text}]})


def test_it_prints_where_it_listens_and_serves_there(folder: Path) -> None:
    with serving(folder) as server, server.client() as http:
        assert server.greeting[0].startswith("Agent Memory Server ")
        assert any(line.split()[-1] == str(folder) or line.split()[0] == "Redis" for line in server.greeting)
        assert "only this machine" in server.greeting[-1]
        assert http.get("/v1/health").status_code == 200
        assert store(http, "m1", "Ada plays the cello.").status_code == 200
        assert http.get("/v1/long-term-memory/m1").json()["text"] == "Ada plays the cello."


def test_what_was_stored_is_there_after_a_restart(folder: Path) -> None:
    with serving(folder) as server, server.client() as http:
        store(http, "m1", "Ada plays the cello.")
        assert server.stop() == 0
    with serving(folder) as server, server.client() as http:
        assert http.get("/v1/long-term-memory/m1").status_code == 200


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_writes_the_accesses(folder: Path, ending: signal.Signals) -> None:
    with serving(folder, env={"LOG_FORMAT": "json"}) as server, server.client() as http:
        memory = {"id": "m1", "text": "Ada plays the cello.", "last_accessed": "2020-01-01T00:00:00Z"}
        http.post("/v1/long-term-memory/", json={"memories": [memory]}).raise_for_status()
        http.post("/v1/long-term-memory/search", json={"text": "cello"}).raise_for_status()
        server.process.send_signal(ending)
        assert server.process.wait(60) == 0
        events = [json.loads(line)["event"] for line in server.errors.read_text().splitlines()]
        assert events[-1] == "server.stopped"
        assert "Traceback" not in server.errors.read_text()
    assert not list(folder.glob("*-wal")), "a clean end leaves no log behind"
    (found,) = json.loads(run(folder, "search", "--format", "json").stdout)["memories"]
    assert not found["last_accessed"].startswith("2020")


def test_a_port_in_use_is_one_line_and_status_1(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(folder, "api", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Error: port {port} of 127.0.0.1 is in use by another program; choose another with --port or PORT"
    ]
    assert not folder.exists(), "nothing is opened before the port is there"


def test_an_address_of_another_machine_is_one_line_and_status_1(folder: Path) -> None:
    done = run(folder, "api", "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"MEMORY_VECTOR_DB_FACTORY": "engine"}, "MEMORY_VECTOR_DB_FACTORY=engine: "),
        ({"AUTH_MODE": "oauth2"}, "OAuth2 is not part of this version"),
        ({"AUTH_MODE": "token", "DISABLE_AUTH": "true"}, "contradicts"),
        ({"PORT": "http"}, "PORT=http: "),
        ({"EMBEDING_MODEL": "x"}, "did you mean EMBEDDING_MODEL?"),
    ],
)
def test_wrong_settings_are_one_line_and_status_2(folder: Path, env: dict[str, str], reason: str) -> None:
    done = run(folder, "api", env=env)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr
    assert "secret" not in done.stderr
    assert not folder.exists()


@on_a_folder
def test_a_data_folder_that_cannot_be_made_is_one_line_and_status_1(folder: Path) -> None:
    folder.write_text("a file")
    done = run(folder, "api", "--port", "0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "MEMORY_DATA_DIR" in done.stderr


def test_another_embedding_model_than_that_of_the_data_is_refused(folder: Path) -> None:
    with serving(folder) as server, server.client() as http:
        store(http, "m1", "Ada plays the cello.")
        server.stop()
    done = run(folder, "api", "--port", "0", env={"EMBEDDING_DIMENSIONS": "64"})
    assert done.returncode == 1
    assert "rebuild-index --re-embed" in done.stderr


def test_settings_without_effect_are_named_in_a_warning(folder: Path) -> None:
    with serving(folder, env={"AUTH0_CLIENT_ID": "a", "LOG_FORMAT": "json"}) as server:
        entries = [json.loads(line) for line in server.errors.read_text().splitlines()]
    (warning,) = [entry for entry in entries if entry["event"] == "settings.without_effect"]
    assert warning["names"] == ["AUTH0_CLIENT_ID"]
    assert warning["level"] == "warning"


def bootstrap(server: Server) -> str | None:
    found = [line.split()[-1] for line in server.greeting if line.startswith("First token")]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_network_address_needs_tokens_and_the_first_one_is_printed_once(folder: Path) -> None:
    with serving(folder, "--host", "0.0.0.0") as server:
        secret = bootstrap(server)
        assert secret is not None
        assert secret.startswith(PREFIX)
        with server.client() as http:
            assert http.get("/v1/working-memory/").status_code == 401
        with server.client(secret) as http:
            assert http.get("/v1/working-memory/").status_code == 200
        assert secret not in server.errors.read_text()
        server.stop()
    with serving(folder, "--host", "0.0.0.0") as server:
        assert bootstrap(server) is None
        with server.client(secret) as http:
            assert http.get("/v1/working-memory/").status_code == 200


def test_disable_auth_opens_a_network_address_and_says_so(folder: Path) -> None:
    with serving(folder, "--host", "0.0.0.0", env={"DISABLE_AUTH": "true"}) as server, server.client() as http:
        assert bootstrap(server) is None
        assert "anyone" in server.greeting[-1]
        assert http.get("/v1/working-memory/").status_code == 200


def test_a_mode_of_token_on_loopback_asks_for_tokens_and_prints_none(folder: Path) -> None:
    made = run(folder, "token", "add", "-d", "agent", "--format", "json")
    with serving(folder, env={"AUTH_MODE": "token"}) as server:
        assert bootstrap(server) is None
        with server.client() as http:
            assert http.get("/v1/working-memory/").status_code == 401
        with server.client(json.loads(made.stdout)["token"]) as http:
            assert http.get("/v1/working-memory/").status_code == 200


def test_two_servers_may_share_a_folder(folder: Path) -> None:
    with serving(folder) as one, serving(folder) as other, one.client() as first, other.client() as second:
        store(first, "m1", "Ada plays the cello.")
        found = second.post("/v1/long-term-memory/search", json={"text": "cello"}).json()
        assert [memory["id"] for memory in found["memories"]] == ["m1"]


def test_dotenv_of_the_working_directory_is_read(folder: Path) -> None:
    (folder.parent / ".env").write_text("MAX_BODY_BYTES=1024\n")
    with serving(folder) as server, server.client() as http:
        assert store(http, "m1", "x" * 2000).status_code == 413


@on_a_folder
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX permissions")
def test_the_data_folder_is_private(folder: Path) -> None:
    with serving(folder):
        assert folder.stat().st_mode & 0o077 == 0


def test_reload_serves_and_ends_in_order(folder: Path) -> None:
    with serving(folder, "--reload") as server, server.client() as http:
        until_healthy(http)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0


def until_healthy(http: httpx2.Client) -> None:
    for _ in range(1000):  # the child listens on a socket that is bound already: refused until it does
        with suppress(httpx2.TransportError):
            assert http.get("/v1/health").status_code == 200
            return
        threading.Event().wait(0.02)
    raise AssertionError("the server did not answer")


def test_several_workers_answer_for_one_folder_and_end_together(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        for number in range(20):
            with server.client() as http:  # a connection of its own each time: either process may take it
                answer_when_up(http)
                memory = {"id": f"m{number}", "text": f"Ada plays the cello, part {number}."}
                http.post("/v1/long-term-memory/", json={"memories": [memory]}).raise_for_status()
            with server.client() as http:
                found = http.post("/v1/long-term-memory/search", json={"text": "cello", "limit": 100}).json()
                assert found["total"] == number + 1
        assert server.stop() == 0
    assert not list(folder.glob("*-wal")), "a clean end leaves no log behind"


def test_workers_end_in_order_when_the_process_that_watches_them_is_killed(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        with server.client() as http:
            answer_when_up(http)
            store(http, "m1", "Ada plays the cello.").raise_for_status()
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + BOUND_S
        while answers(server):
            assert time.monotonic() < deadline, "the workers are still there"
            threading.Event().wait(0.02)
        while list(folder.glob("*-wal")):
            assert time.monotonic() < deadline, "the workers did not close the data folder"
            threading.Event().wait(0.02)


def answers(server: Server) -> bool:
    with server.client() as http:
        try:
            return http.get("/v1/health").status_code == 200
        except httpx2.TransportError:
            return False


def answer_when_up(http: httpx2.Client) -> None:
    deadline = time.monotonic() + BOUND_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            http.get("/v1/health").raise_for_status()
            return
    raise AssertionError("no worker answers")


def test_workers_and_reload_exclude_each_other(folder: Path) -> None:
    done = run(folder, "api", "--workers", "2", "--reload", "--port", "0")
    assert done.returncode == 2
    assert "--reload runs one process" in done.stderr


@pytest.mark.parametrize(
    ("host", "settings", "status"),
    [
        ("evil.example", {}, 403),
        ("localhost.evil.example", {}, 403),
        ("localhost:8000", {}, 200),
        ("127.0.0.1", {}, 200),
        ("[::1]:9", {}, 200),
        ("memory.example.com", {"MCP_ALLOWED_HOSTS": "memory.example.com"}, 200),
        ("evil.example", {"AUTH_MODE": "token"}, 401),
    ],
)
def test_a_strange_name_does_not_reach_a_server_without_tokens(
    folder: Path, host: str, settings: dict[str, str], status: int
) -> None:
    with serving(folder, env=settings) as server, server.client() as http:
        answer = http.get("/v1/working-memory/", headers={"Host": host})
    assert answer.status_code == status
    if status == 403:
        assert "MCP_ALLOWED_HOSTS" in answer.json()["detail"]

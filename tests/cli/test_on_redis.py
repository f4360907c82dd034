"""The server and its commands on a real Redis: chosen by REDIS_URL, and honest about a Redis that cannot be used."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import BOUND_S, run, serving
from tests.support.redis_processes import PERSISTENT, Processes, redis_processes
from tests.support.redis_server import free_port

MEMORY = {"id": "m1", "text": "Ann likes green tea", "user_id": "ann"}
SESSION = {"messages": [{"id": "a", "role": "user", "content": "I moved to Oslo"}], "user_id": "ann"}
BESIDE = ("--task-backend", "asyncio")
"""Background work is done by the server itself."""


@pytest.fixture
def processes() -> Iterator[Processes]:
    with redis_processes() as started:
        yield started


def on(url: str, **further: str) -> Mapping[str, str]:
    return {"REDIS_URL": url, **further}


def store(client: httpx2.Client, id_: str = "m1") -> httpx2.Response:
    return client.post("/v1/long-term-memory/", json={"memories": [MEMORY | {"id": id_}], "deduplicate": False})


def found(client: httpx2.Client, text: str = "tea") -> list[str]:
    answer = client.post("/v1/long-term-memory/search", json={"text": text, "limit": 100})
    answer.raise_for_status()
    return sorted(memory["id"] for memory in answer.json()["memories"])


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def ready(client: httpx2.Client) -> int:
    return client.get("/v1/health/ready").status_code


def test_everything_is_in_redis_and_no_folder_is_made(folder: Path, processes: Processes) -> None:
    url = processes.start().url
    with serving(folder, *BESIDE, env=on(url)) as server, server.client() as client:
        assert any(line.split()[0] == "Redis" for line in server.greeting)
        store(client).raise_for_status()
        client.put("/v1/working-memory/s1", json=SESSION).raise_for_status()
        assert ready(client) == 200
    with serving(folder, *BESIDE, env=on(url)) as server, server.client() as client:
        assert "m1" in found(client)
        session = client.get("/v1/working-memory/s1", params={"user_id": "ann"}).json()
        assert [message["content"] for message in session["messages"]] == ["I moved to Oslo"]
    assert not folder.exists()


def test_commands_work_on_redis(folder: Path, processes: Processes) -> None:
    env = on(processes.start().url)
    with serving(folder, *BESIDE, env=env) as server, server.client() as client:
        store(client).raise_for_status()
        client.put("/v1/working-memory/s1", json=SESSION).raise_for_status()
    assert "green tea" in run(folder, "search", "tea", "--user-id", "ann", env=env).stdout
    token = json.loads(run(folder, "token", "add", "-d", "laptop", "--format", "json", env=env).stdout)
    listed = json.loads(run(folder, "token", "list", "--format", "json", env=env).stdout)
    assert [entry["hash"] for entry in listed] == [token["hash"]]
    assert run(folder, "delete", "session", "s1", "-u", "ann", "-f", env=env).returncode == 0
    assert run(folder, "delete", "memory", "m1", "-f", env=env).returncode == 0
    assert "green tea" not in run(folder, "search", "tea", env=env).stdout
    assert "Indexed" in run(folder, "rebuild-index", env=env).stdout
    assert run(folder, "schedule-task", "consolidate", env=env).returncode == 0
    assert json.loads(run(folder, "jobs", "status", "--json", env=env).stdout)["dead"] == 0
    checks = json.loads(run(folder, "doctor", "--json", env=env).stdout)["checks"]
    states = {check["name"]: check["state"] for check in checks}
    assert states["redis"] == states["content"] == states["background work"] == "ok"
    assert states["redis persistence"] == "warning"
    assert not folder.exists()


def test_a_redis_that_may_drop_memories_is_warned_of_with_the_remedy(folder: Path, processes: Processes) -> None:
    node = processes.start("--maxmemory-policy", "allkeys-lru", *PERSISTENT)
    with serving(folder, *BESIDE, env=on(node.url)) as server:
        told = server.errors.read_text()
    assert "maxmemory-policy noeviction" in told
    assert "appendonly" not in told
    done = run(folder, "doctor", env=on(node.url))
    assert "maxmemory-policy noeviction" in done.stdout


def test_a_redis_without_the_query_engine_is_refused(folder: Path, processes: Processes) -> None:
    node = processes.start(plain=True)
    done = run(folder, "api", "--port", "0", env=on(node.url))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: REDIS_URL names a Redis without the Query Engine; use Redis 8 or Redis Stack 7.4"
    ]
    assert node.client.keys() == []
    assert "without the Query Engine" in run(folder, "doctor", env=on(node.url)).stdout


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1", "REDIS_URL"),
        ("redis://127.0.0.1:{port}/1", "another database than 0"),
        ("redis://:wrong@127.0.0.1:{port}", "credentials"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line_without_its_password(
    folder: Path, processes: Processes, url: str, told: str
) -> None:
    node = processes.start("--requirepass", "right", password="right")
    done = run(folder, "search", "tea", env=on(url.format(port=node.port)))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert "wrong" not in done.stderr


def test_a_password_in_the_url_opens_the_server_and_is_shown_nowhere(folder: Path, processes: Processes) -> None:
    node = processes.start("--requirepass", "right-secret", password="right-secret")
    env = on(f"redis://:right-secret@127.0.0.1:{node.port}")
    with serving(folder, *BESIDE, env=env) as server, server.client() as client:
        store(client).raise_for_status()
        assert "right-secret" not in "".join(server.greeting) + server.errors.read_text()


def test_tls_and_an_authority_of_ones_own(folder: Path, tmp_path: Path, processes: Processes) -> None:
    made = ("-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2")
    named = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", "req", "-x509", *made, *named], cwd=tmp_path, check=True, capture_output=True)
    port = free_port()
    files = ("--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem")
    processes.start("--tls-port", str(port), *files, "--tls-auth-clients", "no")
    url = f"rediss://127.0.0.1:{port}"
    with (
        serving(folder, *BESIDE, env=on(f"{url}?ssl_ca_certs={tmp_path}/cert.pem")) as server,
        server.client() as client,
    ):
        store(client).raise_for_status()
        assert found(client) == ["m1"]
    unknown = run(folder, "search", "tea", env=on(url))
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (1, 1)


def test_another_embedding_model_than_that_of_the_data_is_refused_until_all_is_embedded_again(
    folder: Path, processes: Processes
) -> None:
    node = processes.start()
    env = on(node.url)
    other = on(node.url, EMBEDDING_DIMENSIONS="32")
    with serving(folder, *BESIDE, env=env) as server, server.client() as client:
        store(client).raise_for_status()
        until(lambda: node.client.hget("memory_idx:m1", "vector") is not None)
    done = run(folder, "api", "--port", "0", env=other)
    assert done.returncode == 1
    assert "rebuild-index --re-embed" in done.stderr
    assert run(folder, "rebuild-index", "--re-embed", env=other).returncode == 0
    with serving(folder, *BESIDE, env=other) as server, server.client() as client:
        assert found(client) == ["m1"]
    assert len(node.client.hget("memory_idx:m1", "vector") or b"") == 4 * 32


def test_replicas_that_start_at_once_serve_one_database(tmp_path: Path, processes: Processes) -> None:
    env = on(processes.start().url)
    places = [tmp_path / name / "data" for name in "ab"]
    for place in places:
        place.parent.mkdir()
    with ExitStack() as stack, ThreadPoolExecutor() as starters:
        starts = [starters.submit(stack.enter_context, serving(place, *BESIDE, env=env)) for place in places]
        clients = [stack.enter_context(start.result().client()) for start in starts]
        store(clients[0]).raise_for_status()
        assert [found(client) for client in clients] == [["m1"], ["m1"]]


def test_a_server_starts_before_redis_and_is_ready_when_that_is_there(folder: Path, processes: Processes) -> None:
    node = processes.start(*PERSISTENT)
    node.kill()
    env = on(node.url, REDIS_RETRIES="0")
    with serving(folder, *BESIDE, env=env) as server, server.client() as client:
        assert client.get("/v1/health").status_code == 200
        assert ready(client) == 503
        assert store(client).status_code == 503
        node.start_again()
        until(lambda: ready(client) == 200)
        store(client).raise_for_status()
        assert found(client) == ["m1"]


def test_while_redis_is_down_nothing_is_acknowledged_and_nothing_is_empty(folder: Path, processes: Processes) -> None:
    node = processes.start(*PERSISTENT)
    acknowledged: set[str] = set()
    with serving(folder, *BESIDE, env=on(node.url, REDIS_RETRIES="0")) as server, server.client() as client:
        for number in range(10):
            if store(client, f"before{number}").status_code == 200:
                acknowledged.add(f"before{number}")
        client.put("/v1/working-memory/s1", json=SESSION).raise_for_status()
        node.kill()
        assert client.get("/v1/health").status_code == 200
        assert ready(client) == 503
        assert store(client, "during").status_code == 503
        assert client.put("/v1/working-memory/s2", json=SESSION).status_code == 503
        assert client.get("/v1/working-memory/s1", params={"user_id": "ann"}).status_code == 503
        assert client.post("/v1/long-term-memory/search", json={"text": "tea"}).status_code == 503
        node.start_again()
        until(lambda: ready(client) == 200)
        assert set(found(client)) == acknowledged
        assert len(acknowledged) == 10
        assert client.get("/v1/working-memory/s1", params={"user_id": "ann"}).status_code == 200
        assert client.get("/v1/working-memory/s2", params={"user_id": "ann"}).status_code == 404
        store(client, "after").raise_for_status()
        assert "after" in found(client)
        assert server.process.poll() is None


def test_a_server_that_only_queues_says_who_has_to_work(folder: Path, processes: Processes) -> None:
    url = processes.start().url
    with serving(folder, env=on(url)) as server:
        assert any("task-worker" in line for line in server.greeting)
    with serving(folder, *BESIDE, env=on(url)) as server:
        assert not any("task-worker" in line for line in server.greeting)

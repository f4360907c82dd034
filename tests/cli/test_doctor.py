"""`agent-memory doctor`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.chat_service import chat_service, failed
from tests.support.chosen_engine import on_a_folder
from tests.support.processes import run, serving


def checks(folder: Path, *, status: int = 0, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    done = run(folder, "doctor", "--json", env=env)
    assert done.returncode == status, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["ok"] is (status == 0)
    return {check["name"]: check for check in answer["checks"]}


@on_a_folder
def test_a_folder_that_is_not_there_yet_is_no_failure_and_stays_so(folder: Path) -> None:
    assert checks(folder)["data folder"]["state"] == "warning"
    assert not folder.exists()


@on_a_folder
def test_a_folder_in_use_is_examined(folder: Path) -> None:
    with serving(folder) as server, server.client() as http:
        memories = [{"id": "m1", "text": "Ada plays the cello."}]
        http.post("/v1/long-term-memory/", json={"memories": memories}).raise_for_status()
        port = server.url.rsplit(":", 1)[1]
        found = checks(folder, env={"PORT": port})
    for name in (
        "sqlite",
        "data folder",
        "filesystem",
        "schema",
        "integrity",
        "owed embeddings",
        "recall",
        "embedding model",
    ):
        assert found[name]["state"] == "ok", found[name]
    assert found["content"]["detail"].startswith("1 memories")
    assert found["tokens"]["state"] == "ok"
    assert found["port"]["state"] == "warning"


@on_a_folder
def test_a_damaged_file_fails(folder: Path) -> None:
    with serving(folder) as server:
        server.stop()
    file = folder / "memory.db"
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    file.write_bytes(content)
    found = checks(folder, status=1)
    assert "failed" in {found[name]["state"] for name in ("integrity", "database") if name in found}


@on_a_folder
def test_no_database_at_all_fails(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "memory.db").write_text("this is no database, and it is long enough to be looked at " * 10)
    assert checks(folder, status=1)["database"]["state"] == "failed"


@on_a_folder
def test_an_open_folder_is_a_warning(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    assert checks(folder)["data folder"]["state"] == "warning"


def test_a_model_that_does_not_answer_fails(folder: Path) -> None:
    env = {"EMBEDDING_MODEL": "some-model", "OPENAI_API_BASE": "http://127.0.0.1:9", "EMBEDDING_DIMENSIONS": "8"}
    assert checks(folder, status=1, env=env | {"EMBEDDING_ATTEMPTS": "1"})["embedding model"]["state"] == "failed"


def test_an_address_without_authentication_is_a_warning_and_a_contradiction_a_failure(folder: Path) -> None:
    env = {"HOST": "0.0.0.0", "DISABLE_AUTH": "true"}
    assert checks(folder, env=env)["access"]["state"] == "warning"
    assert checks(folder, status=1, env=env | {"AUTH_MODE": "token"})["access"]["state"] == "failed"


def test_it_prints_lines_for_people(folder: Path) -> None:
    lines = run(folder, "doctor").stdout.splitlines()
    assert all(line.startswith(("ok ", "warning ", "FAILED ")) for line in lines)


def test_chat_models_are_asked_and_one_that_fails_is_a_warning(folder: Path) -> None:
    with chat_service() as service:
        env = {"GENERATION_MODEL": "big", "FAST_MODEL": "small", "OPENAI_API_BASE": service.url, "CHAT_BACKOFF_S": "0"}
        env["EMBEDDING_MODEL"] = "deterministic"
        service.answer(lambda asked: failed(500) if asked.body["model"] == "small" else "yes")
        found = checks(folder, env=env)
    assert found["generation model"]["state"] == "ok"
    assert found["fast model"]["state"] == "warning"
    assert "none is set" in checks(folder)["chat models"]["detail"]


def test_a_model_without_its_key_would_stop_the_start(folder: Path) -> None:
    found = checks(folder, status=1, env={"GENERATION_MODEL": "gpt-5"})
    assert "OPENAI_API_KEY" in found["chat models"]["detail"]

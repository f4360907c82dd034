"""`agent-memory config`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.processes import run


def test_show_prints_every_setting_with_its_origin_and_hides_secrets(folder: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-secret", "PORT": "8100", "REDIS_URL": ""}
    shown = json.loads(run(folder, "config", "show", "--json", env=env).stdout)
    assert shown["PORT"] == {"value": "8100", "origin": "environment"}
    assert shown["OPENAI_API_KEY"] == {"value": "(hidden)", "origin": "environment"}
    assert shown["LOG_LEVEL"] == {"value": "INFO", "origin": "default"}
    assert shown["REDIS_URL"]["value"] is None


def test_show_can_leave_out_what_was_not_set(folder: Path) -> None:
    lines = run(folder, "config", "show", "--given", env={"PORT": "8100"}).stdout.splitlines()
    assert "PORT=8100  # environment" in lines
    assert all(line.endswith("# environment") for line in lines)


def test_show_works_where_a_server_would_not_start(folder: Path) -> None:
    done = run(folder, "config", "show", env={"REDIS_URL": "redis://:secret@host"})
    assert done.returncode == 0
    assert "REDIS_URL=redis://:(hidden)@host  # environment" in done.stdout


def test_check_says_whether_a_server_would_start(folder: Path) -> None:
    assert run(folder, "config", "check").returncode == 0
    assert run(folder, "config", "check", env={"MEMORY_VECTOR_DB_FACTORY": "engine"}).returncode == 2
    assert run(folder, "config", "check", env={"AUTH_MODE": "disabled", "HOST": "0.0.0.0"}).returncode == 2
    done = run(folder, "config", "check", env={"AUTH0_CLIENT_ID": "a"})
    assert done.returncode == 0
    assert "AUTH0_CLIENT_ID is set and has no effect in this version." in done.stdout
    assert not folder.exists()

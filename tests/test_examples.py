"""The programs in `examples/` run as they are: against a server, without a model and with one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chat_service import Answer, Asked, chat_service
from tests.support.environments import CLIENT, python_with
from tests.support.processes import BOUND_S, serving

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
PROGRAMS = {path.stem for path in EXAMPLES.glob("*.py")} - {"replies"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("examples") / "data") as server:
        yield server.url


def run(
    url: str, name: str, *typed: str, user: str, words: tuple[str, ...] = (), model: str = "", python: str = ""
) -> str:
    """What a program prints. typed: its input, line by line; words: its arguments; model: the address of one."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env |= {"MEMORY_URL": url, "PYTHONPATH": str(CLIENT)} | ({"OPENAI_API_BASE": model} if model else {})
    done = subprocess.run(
        [python or sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *words, "--user", user],
        input="".join(f"{line}\n" for line in typed),
        env=env,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_chat_knows_in_its_next_session_what_it_was_told(url: str) -> None:
    assert "That is new to me." in run(url, "chat", "I live in Vienna.", user="ada")
    assert "- I live in Vienna.\n" in run(url, "chat", "Where do I live?", user="ada")
    assert "Vienna" not in run(url, "chat", "Where do I live?", user="someone-else")


def test_the_chat_hands_the_memories_to_its_model(url: str) -> None:
    run(url, "chat", "My dog is called Rex.", user="model-user")
    with chat_service() as service:
        service.answer("Rex, of course.")
        assert "Rex, of course." in run(url, "chat", "What is my dog called?", user="model-user", model=service.url)
    [asked] = service.asked
    assert "My dog is called Rex." in asked.system + asked.text


def test_the_editor_adds_finds_changes_and_deletes(url: str) -> None:
    typed = ("add Bob drinks tea", "find tea", "edit 1 Bob drinks coffee", "list", "edit 9 x", "delete 1", "list")
    printed = run(url, "memory_editor", *typed, user="bob").removesuffix("memory> \n")
    assert printed.removeprefix("memory> ").split("\nmemory> ") == [
        "remembered",
        "1. Bob drinks tea",
        "now: Bob drinks coffee",
        "1. Bob drinks coffee",
        "no memory has the number '9'; list them first",
        "ok, deleted 1 memories",
        "nothing\n",
    ]


def test_the_tutor_starts_the_next_lesson_with_what_went_wrong(url: str) -> None:
    first = run(url, "tutor", "dog", "table", user="cleo")
    assert first.startswith("What is Hund?\n> Right.\nWhat is Baum?\n> No: Baum is tree.\n")
    with chat_service() as service:
        service.answer("Think of a boom in the forest.", when="mnemonic")
        second = run(url, "tutor", "table", user="cleo", model=service.url)
    assert second.startswith("Last time:\n- cleo took Baum for table; it means tree.\nWhat is Baum?\n")
    assert "No: Baum is tree. Think of a boom in the forest.\n" in second


def test_the_travel_agent_keeps_and_finds_preferences_without_a_model(url: str) -> None:
    printed = run(url, "travel_agent", "I prefer window seats.", "Which seats should I book?", user="dora")
    assert "Created 1 memories" in printed
    assert "- I prefer window seats." in printed


def test_the_travel_agent_carries_out_the_tool_calls_of_its_model(url: str) -> None:
    run(url, "travel_agent", "I prefer window seats.", user="eve")

    def answer(asked: Asked) -> Answer:
        results = [message["content"] for message in asked.body["messages"] if message["role"] == "tool"]
        if results:
            return Answer(text=f"Booked: {results[-1]}")
        call = {"name": "search_memory", "arguments": json.dumps({"query": "which seats"})}
        calls = [{"id": "1", "type": "function", "function": call}]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        return Answer(body={"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})

    with chat_service() as service:
        service.answer(answer)
        printed = run(url, "travel_agent", "Book a flight.", user="eve", model=service.url)
    assert "Booked: Found 1" in printed
    assert "I prefer window seats." in printed


def test_the_mcp_client_stores_a_memory_and_finds_it(url: str) -> None:
    words = ("Fay prefers window seats.", "Where does Fay sit?")
    printed = run(url, "mcp_client", user="fay", words=words)
    assert re.match(r"tools: .*create_long_term_memories", printed)
    assert "found: Fay prefers window seats.\n" in printed


def test_the_langgraph_agent_recalls_without_a_model_and_with_one(url: str) -> None:
    python = str(python_with(ROOT / "tests/integrations/requirements-langgraph.txt"))
    run(url, "langgraph_agent", "I play the cello.", user="gil", python=python)
    assert "- I play the cello." in run(url, "langgraph_agent", "What do I play?", user="gil", python=python)
    with chat_service() as service:
        service.answer(lambda asked: "You play the cello." if "I play the cello." in asked.system else "No idea.")
        typed = "What instrument do I play?"
        printed = run(url, "langgraph_agent", typed, user="gil", python=python, model=service.url)
    assert "You play the cello." in printed


def test_every_program_is_described_and_run_by_a_test_of_its_own() -> None:
    described = set(re.findall(r"\]\((\w+)\.py\)", (EXAMPLES / "README.md").read_text("utf-8")))
    tested = set(re.findall(r'run\(url, "(\w+)"', Path(__file__).read_text("utf-8")))
    assert described == tested == PROGRAMS

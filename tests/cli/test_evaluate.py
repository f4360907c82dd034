"""`agent-memory evaluate retrieval` as a real process, on a server of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.chat_service import chat_service
from tests.support.processes import BOUND_S, command, environment, run, serving

ROOT = Path(__file__).parents[2]
TALK = {
    "name": "two talks",
    "conversations": [
        {
            "id": f"c{number}",
            "sessions": [
                {
                    "id": "s1",
                    "ts": "March-15-2024",
                    "turns": [
                        {"id": "1", "speaker": "Ann", "text": f"My {animal} sleeps in the kitchen."},
                        {"id": "2", "speaker": "Bob", "text": "Yesterday I bought a red bicycle."},
                    ],
                }
            ],
        }
        for number, animal in enumerate(("hedgehog", "tortoise"))
    ],
    "queries": [
        {"conv": "c0", "question": "Where does the hedgehog sleep?", "category": "fact", "evidence": ["1"]},
        {"conv": "c1", "question": "Who bought a bicycle?", "category": "fact", "evidence": ["2"]},
        {"conv": "c1", "question": "Who can fly?", "category": "abstention", "evidence": []},
    ],
}


def talk(folder: Path) -> Path:
    path = folder.parent / "talk.json"
    path.write_text(json.dumps(TALK))
    return path


def test_it_stores_the_turns_asks_the_questions_and_prints_the_figures(folder: Path) -> None:
    done = run(folder, "evaluate", "retrieval", "--data", str(talk(folder)), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["ingest"]["turns"] == 4
    assert set(result["modes"]) == {"semantic", "keyword", "hybrid"}
    everywhere = {"1": 1.0, "3": 1.0, "5": 1.0, "10": 1.0, "20": 1.0}
    sure = {k: [1.0, 1.0] for k in everywhere}
    for mode in result["modes"].values():
        assert mode["all"] == {
            "questions": 2,
            "any_at": everywhere,
            "recall_at": everywhere,
            "mrr": 1.0,
            "interval": {"any_at": sure, "recall_at": sure, "mrr": [1.0, 1.0]},
        }
        assert mode["sessions"]["all"]["any_at"] == everywhere
        assert mode["latency_ms"]["p50"] > 0
    assert result["storage"]["per_memory_bytes"] > 100
    assert result["lag"]["at_once"] == result["lag"]["probes"] == 20
    assert result["settings"] == {"EMBEDDING_MODEL": "deterministic"}
    assert result["server"]["version"] == result["machine"]["agent_memory"]
    assert result["conversations"] == ["c0", "c1"]
    assert "hedgehog" not in done.stdout


def test_it_draws_a_chart_and_compares_with_an_earlier_result(folder: Path) -> None:
    line = ("evaluate", "retrieval", "--data", str(talk(folder)), "--mode", "hybrid")
    chart, earlier = folder.parent / "chart.svg", folder.parent / "earlier.json"
    done = run(folder, *line, "--json", "--chart", str(chart))
    assert done.returncode == 0, done.stderr
    bars = ET.parse(chart).findall(".//{http://www.w3.org/2000/svg}rect[@class='bar']")
    assert len(bars) == 2  # the category of the questions with evidence, and all
    earlier.write_text(done.stdout)
    again = run(folder, *line, "--against", str(earlier))
    assert again.returncode == 0, again.stderr
    assert "hybrid: any@5 +0.000 (+0.000 … +0.000)" in again.stdout


def test_it_asks_after_memories_were_read_out_of_the_turns(folder: Path) -> None:
    line = ("evaluate", "retrieval", "--data", str(talk(folder)), "--mode", "hybrid", "--json")
    done = run(folder, *line, "--extracted")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["extracted"] is True
    assert result["modes"]["hybrid"]["all"]["any_at"]["5"] == 1.0


def test_a_part_of_the_file_is_measured_alone(folder: Path) -> None:
    line = ("evaluate", "retrieval", "--data", str(talk(folder)), "--mode", "keyword", "--json")
    done = run(folder, *line, "--conversations", "c1", "--sample", "1", "--seed", "3")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["conversations"] == ["c1"]
    assert result["ingest"]["turns"] == 2
    assert result["seed"] == 3
    assert len(result["modes"]["keyword"]["questions"]) == 1


def test_a_result_of_something_else_is_refused_before_anything_is_measured(folder: Path) -> None:
    other = folder.parent / "other.json"
    other.write_text("{}")
    done = run(folder, "evaluate", "retrieval", "--data", str(talk(folder)), "--against", str(other))
    assert done.returncode == 1
    assert "other.json is no result of this command" in done.stderr


def test_a_running_server_is_measured_in_a_namespace_of_its_own(folder: Path) -> None:
    with serving(folder) as server:
        line = ("evaluate", "retrieval", "--data", str(talk(folder)), "--base-url", server.url, "--mode", "keyword")
        for _ in range(2):  # equal ids of an earlier run do not mix with those of this one
            done = run(folder, *line)
            assert done.returncode == 0, done.stderr
            assert "any@5" in done.stdout
            assert "1.000" in done.stdout


def test_a_file_that_holds_no_conversations_is_one_line_and_status_1(folder: Path) -> None:
    path = folder.parent / "talk.json"
    path.write_text("{}")
    done = run(folder, "evaluate", "retrieval", "--data", str(path))
    assert done.returncode == 1
    assert "is not a conversation file" in done.stderr


def listens(pid: str) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    if "--port" not in words:
        return False
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(words[words.index("--port") + 1]))) == 0


def boat(folder: Path, *turns: str, **members: Any) -> Path:
    said = [{"id": str(n), "speaker": "user", "text": text} for n, text in enumerate(turns, 1)]
    talks = [{"id": "c", "sessions": [{"id": "s", "ts": "March-15-2024", "turns": said}]}]
    path = folder.parent / "boat.json"
    path.write_text(json.dumps({"name": "boat", "conversations": talks, "queries": [], **members}))
    return path


def extraction(folder: Path, path: Path, *options: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    done = run(folder, "evaluate", "extraction", "--data", str(path), *options, "--json", env=env or {})
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
    return found


def test_it_tells_what_would_be_remembered_and_what_is_missed(folder: Path) -> None:
    asked = [
        {"conv": "c", "question": "What to drink?", "evidence": ["1"]},
        {"conv": "c", "question": "Where?", "evidence": ["3"]},
    ]
    turns = ("I prefer green tea. I love it!", "I prefer green tea.", "The bicycle stands outside.")
    (found,) = extraction(folder, boat(folder, *turns, queries=asked), "--strategy", "discrete")
    counts = {"claims": 2, "supported": 2, "unsupported": 0, "weak": 0, "duplicates": 1, "refused": 1}
    assert {name: found[name] for name in counts} == counts
    assert (found["read_by"], found["judged_by"], found["turns"]) == (["rules"], "words", 3)
    assert found["reasons"] == {"it points at something outside the sentence": 1}
    assert (found["expected_are"], found["expected"], found["missed"]) == ("turns", 2, 1)


def test_the_figures_in_the_documentation_are_what_the_command_prints(folder: Path) -> None:
    recipe = (ROOT / "docs" / "how-to" / "tune-extraction.md").read_text(encoding="utf-8")
    told = recipe.split("$ agent-memory evaluate extraction --data benchmarks/talks.json\n")[1].split("```")[0]
    done = run(folder, "evaluate", "extraction", "--data", str(ROOT / "benchmarks" / "talks.json"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == told


def test_all_strategies_are_measured_and_compared_with_an_earlier_result(folder: Path) -> None:
    facts = [
        {"conv": "c", "text": "User lives in Oslo.", "evidence": ["1"]},
        {"conv": "c", "text": "User has a cat called Tom.", "evidence": ["2"]},
    ]
    path = boat(folder, "I live in Oslo. I prefer green tea.", "The weather is fine.", facts=facts)
    prompt, earlier = folder.parent / "prompt.txt", folder.parent / "earlier.json"
    prompt.write_text("Find places in {message}")
    line = ("evaluate", "extraction", "--data", str(path), "--custom-prompt", str(prompt))
    done = run(folder, *line, "--json")
    assert done.returncode == 0, done.stderr
    found = {one["title"]: one for one in json.loads(done.stdout)["runs"]}
    assert {name: (one["claims"], one["missed"]) for name, one in found.items()} == {
        "discrete": (2, 1),
        "summary": (3, 1),
        "preferences": (1, 2),
        "custom": (2, 1),
    }
    earlier.write_text(done.stdout)
    again = run(folder, *line, "--against", str(earlier), "--strategy", "discrete")
    assert again.returncode == 0, again.stderr
    assert "discrete: 2 memories out of 2 turns by rules" in again.stdout
    assert "discrete: supported +0.000" in again.stdout


def test_what_would_be_remembered_is_compared_between_aims(folder: Path) -> None:
    path = boat(folder, "I think I like tea. I sold my boat. I live in Oslo.")
    aims = ("--aim", "precision", "--aim", "balanced", "--aim", "recall")
    found = extraction(folder, path, "--strategy", "discrete", *aims)
    assert {one["title"]: (one["claims"], one["weak"]) for one in found} == {
        "discrete/precision": (1, 0),
        "discrete/balanced": (2, 0),
        "discrete/recall": (3, 1),
    }


def test_models_and_rules_are_compared_and_a_model_may_judge(folder: Path) -> None:
    path = boat(folder, "I live in Oslo. I sold my boat to a man from Porto.")
    usual = {"type": "episodic", "topics": [], "entities": [], "event_date": "", "source": 1}
    sold = usual | {"text": "User sold a boat.", "quote": "I sold my boat"}
    invented = usual | {"text": "User owns two boats.", "quote": "I own two boats"}
    with chat_service() as service:
        service.answer({"memories": [sold, invented]})
        service.answer({"verdicts": [{"number": 1, "verdict": "unsupported"}]}, when="claims")
        env = {"OPENAI_API_BASE": service.url, "OPENAI_API_KEY": "key"}
        models = ("--model", "rules", "--model", "openai/some-model")
        found = extraction(folder, path, "--strategy", "discrete", *models, "--judge", "openai/judge", env=env)
    rules, model = found
    assert (rules["title"], rules["read_by"], rules["supported"]) == ("discrete by rules", ["rules"], 0)
    assert (model["title"], model["read_by"]) == ("discrete by openai/some-model", ["openai/some-model"])
    assert (model["claims"], model["supported"], model["unsupported"]) == (1, 0, 1)
    assert model["reasons"] == {"its quotation is not in the message": 1}
    assert model["judged_by"] == "openai/judge"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--config", "[]"), "--config must be an object"),
        (("--config", '{"discreet": {}}'), "'discreet' is none of"),
        (("--custom-prompt", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("--strategy", "custom"), "custom_prompt"),
        (("--config", '{"summary": {"max_summary_length": 0}}', "--strategy", "summary"), "max_summary_length"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_and_named(folder: Path, options: tuple[str, ...], told: str) -> None:
    done = run(folder, "evaluate", "extraction", "--data", str(boat(folder, "I live in Oslo.")), *options)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_measurement_that_is_ended_stops_its_server(folder: Path) -> None:
    work = folder.parent / "talk.json"
    many = dict(TALK, queries=TALK["queries"] * 20_000)  # type: ignore[operator]
    work.write_text(json.dumps(many))
    measuring = subprocess.Popen(
        command("evaluate", "retrieval", "--data", str(work), "--mode", "keyword"),
        env=environment(folder),
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert measuring.stderr is not None
    try:
        children = Path(f"/proc/{measuring.pid}/task/{measuring.pid}/children")
        started = None
        while started is None:
            assert measuring.poll() is None, measuring.stderr.read()
            started = next((pid for pid in children.read_text().split() if listens(pid)), None)
        measuring.send_signal(signal.SIGTERM)
        measuring.communicate(timeout=BOUND_S)
        assert not Path(f"/proc/{started}").exists()
    finally:
        measuring.kill()
        measuring.communicate()

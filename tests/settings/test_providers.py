"""What provider libraries find in the environment."""

from __future__ import annotations

from pathlib import Path

from agent_memory_server.settings import load
from agent_memory_server.settings.providers import export_to


def test_what_dotenv_and_the_settings_say_is_put_where_libraries_look(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("GEMINI_API_KEY=from-dotenv\nCOHERE_API_KEY=from-dotenv\nEMPTY\n")
    environ = {"COHERE_API_KEY": "already there"}
    settings = load({"REGION_NAME": "eu-west-1", "AWS_ACCESS_KEY_ID": "id"}, dotenv=dotenv).settings
    export_to(environ, settings.providers, dotenv=dotenv)
    assert environ == {
        "COHERE_API_KEY": "already there",
        "GEMINI_API_KEY": "from-dotenv",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_REGION_NAME": "eu-west-1",
    }

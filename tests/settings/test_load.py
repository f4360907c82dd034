"""Reading settings: sources, their order, and every problem told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent_memory_server.settings import Loaded, SettingsError, load
from agent_memory_server.settings.memory import options_of


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def loaded(environ: dict[str, str], dotenv: Path) -> Loaded:
    return load(environ, dotenv=dotenv)


def problems(environ: dict[str, str], dotenv: Path) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(environ, dotenv=dotenv)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(refused.value.problems)
    return lines


def test_nothing_needs_to_be_set(dotenv: Path) -> None:
    settings = loaded({}, dotenv).settings
    assert settings.embedding.model == "all-MiniLM-L6-v2"
    assert settings.server.host == "127.0.0.1"
    assert settings.server.port == 8000
    assert settings.redis.url is None
    assert settings.chat.generation_model is None
    assert settings.storage.durability == "full"
    assert settings.memory.index_messages is True


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_file(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text("port: 1\nhost: 127.0.0.2\nlog_level: error\n")
    dotenv.write_text("PORT=2\nHOST=127.0.0.3\n")
    found = loaded({"REDIS_MEMORY_CONFIG": str(file), "PORT": "3"}, dotenv)
    assert found.settings.server.port == 3
    assert found.settings.server.host == "127.0.0.3"
    assert found.settings.log.level == "ERROR"
    origins = {variable.name: origin for variable, _, origin in found.shown()}
    assert (origins["PORT"], origins["HOST"], origins["LOG_LEVEL"]) == ("environment", ".env", "memory.yaml")
    assert origins["AUTH_MODE"] == "default"


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".yaml", "PORT: 8100\noauth2_algorithms: [ES256]\nlog_format: json\nrequire_message_timestamps: yes\n"),
        (".yml", "port: '8100'\nOAUTH2_ALGORITHMS:\n  - ES256\nlog_format: JSON\nrequire_message_timestamps: true\n"),
        (
            ".json",
            json.dumps(
                {"port": 8100, "oauth2_algorithms": ["ES256"], "log_format": "json", "require_message_timestamps": True}
            ),
        ),
        (".toml", 'port = 8100\noauth2_algorithms = ["ES256"]\nlog_format = "json"\nrequire_message_timestamps = true'),
    ],
)
def test_a_settings_file_may_be_yaml_json_or_toml(suffix: str, text: str, dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / f"memory{suffix}"
    file.write_text(text)
    settings = loaded({"REDIS_MEMORY_CONFIG": str(file)}, dotenv).settings
    assert settings.server.port == 8100
    assert settings.oauth2.algorithms == ["ES256"]
    assert settings.log.format == "json"
    assert settings.sessions.require_timestamps is True


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "port:\n"])
def test_a_file_may_set_nothing(text: str, dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text(text)
    assert loaded({"REDIS_MEMORY_CONFIG": str(file)}, dotenv).settings.server.port == 8000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port: [", "cannot be understood"),
        ("- port\n- 1\n", "must hold names with values"),
        ("just text", "must hold names with values"),
    ],
)
def test_a_file_that_cannot_be_understood_stops_the_start(text: str, reason: str, dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text(text)
    (line,) = problems({"REDIS_MEMORY_CONFIG": str(file)}, dotenv)
    assert line.startswith(f"REDIS_MEMORY_CONFIG={file}: ")
    assert reason in line


def test_a_file_that_is_not_there_stops_the_start(dotenv: Path, tmp_path: Path) -> None:
    (line,) = problems({"REDIS_MEMORY_CONFIG": str(tmp_path / "none.yaml")}, dotenv)
    assert "cannot be read" in line


def test_an_unknown_name_in_the_file_stops_the_start(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text("prot: 8100\nwhatever: 1\n")
    first, second = problems({"REDIS_MEMORY_CONFIG": str(file)}, dotenv)
    assert first == "PROT: is not a setting (memory.yaml); did you mean PORT?"
    assert second.startswith("WHATEVER: is not a setting (memory.yaml)")


def test_a_prefixed_name_means_the_setting_and_the_plain_one_wins(dotenv: Path) -> None:
    assert loaded({"REDIS_MEMORY_PORT": "8100"}, dotenv).settings.server.port == 8100
    assert loaded({"REDIS_MEMORY_PORT": "8100", "PORT": "8200"}, dotenv).settings.server.port == 8200


def test_names_may_be_written_in_lower_case_and_nothing_means_not_set(dotenv: Path) -> None:
    settings = loaded({"port": "8100", "EMBEDDING_DIMENSIONS": "", "LOG_LEVEL": " "}, dotenv).settings
    assert settings.server.port == 8100
    assert settings.embedding.dimensions is None
    assert settings.log.level == "INFO"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("HOST", "127.0.0.1/8"),
        ("LOG_LEVEL", "LOUD"),
        ("MEMORY_DURABILITY", "half"),
        ("VECTOR_CACHE_MB", "-1"),
        ("SUMMARIZATION_THRESHOLD", "0"),
        ("SUMMARIZATION_THRESHOLD", "nan"),
        ("FORGETTING_MAX_AGE_DAYS", "-1"),
        ("FORGETTING_EVERY_MINUTES", "inf"),
        ("LONG_TERM_MEMORY", "perhaps"),
        ("AUTH_MODE", "password"),
        ("OAUTH2_ALGORITHMS", "RS256"),
        ("EMBEDDING_TIMEOUT_S", "0"),
        ("PROGRESSIVE_SUMMARIZATION_PROMPT", "Summarise."),
    ],
)
def test_a_malformed_value_is_named_with_its_value_and_a_reason(name: str, value: str, dotenv: Path) -> None:
    (line,) = problems({name: value}, dotenv)
    assert line.startswith(f"{name}={value}: ")
    assert line.endswith("(environment)")


def test_all_problems_are_told_at_once(dotenv: Path) -> None:
    lines = problems({"PORT": "x", "LOG_LEVEL": "y", "EMBEDING_MODEL": "z"}, dotenv)
    assert len(lines) == 3


def test_a_problem_names_the_variable_as_it_was_written(dotenv: Path) -> None:
    (line,) = problems({"REDIS_MEMORY_PORT": "x"}, dotenv)
    assert line.startswith("REDIS_MEMORY_PORT=x: ")


def test_secrets_are_never_shown(dotenv: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-secret", "REDIS_URL": "redis://user:secret@host:6379/0"}
    shown = {variable.name: value for variable, value, _ in loaded(environ, dotenv).shown()}
    assert shown["OPENAI_API_KEY"] == "(hidden)"
    assert shown["REDIS_URL"] == "redis://user:(hidden)@host:6379/0"
    assert "secret" not in repr(loaded(environ, dotenv).settings.embedding)


def test_a_malformed_secret_is_not_shown_either(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text("openai_api_key: [sk-secret]\n")
    (line,) = problems({"REDIS_MEMORY_CONFIG": str(file)}, dotenv)
    assert line.startswith("openai_api_key=(hidden): ")
    assert "sk-secret" not in line


def test_settings_without_effect_are_accepted_and_named(dotenv: Path) -> None:
    found = loaded({"AUTH0_CLIENT_ID": "a", "REDIS_MEMORY_AUTH0_CLIENT_SECRET": "b", "PORT": "1"}, dotenv)
    assert sorted(found.without_effect) == ["AUTH0_CLIENT_ID", "REDIS_MEMORY_AUTH0_CLIENT_SECRET"]


@pytest.mark.parametrize("path", ["engine", "an engine.of", "engine.", ""])
def test_a_factory_is_a_dotted_path(path: str, dotenv: Path) -> None:
    if path:
        (line,) = problems({"MEMORY_VECTOR_DB_FACTORY": path}, dotenv)
        assert line.startswith(f"MEMORY_VECTOR_DB_FACTORY={path}: ")
    assert loaded({"MEMORY_VECTOR_DB_FACTORY": "an.engine"}, dotenv).settings.plugged.factory == "an.engine"


@pytest.mark.parametrize("name", ["REDISVL_INDEXING_ALGORITHM", "REDISVL_DISTANCE_METRIC"])
def test_how_a_redis_index_is_made_can_be_written_in_any_case(name: str, dotenv: Path) -> None:
    value = "flat" if name == "REDISVL_INDEXING_ALGORITHM" else "cosine"
    redis = loaded({name: value}, dotenv).settings.redis
    assert value.upper() in (redis.algorithm, redis.distance_metric)
    (line,) = problems({name: "other"}, dotenv)
    assert line.startswith(f"{name}=other: ")


def test_the_reference_servers_own_engine_factory_is_no_other_place(dotenv: Path) -> None:
    factory = "agent_memory_server.memory_vector_db_factory.create_redis_memory_vector_db"
    assert loaded({"MEMORY_VECTOR_DB_FACTORY": factory}, dotenv).settings.plugged.factory is None


def test_options_of_operations_follow_the_settings(dotenv: Path) -> None:
    environ = {
        "LONG_TERM_MEMORY": "no",
        "INDEX_ALL_MESSAGES_IN_LONG_TERM_MEMORY": "0",
        "REQUIRE_MESSAGE_TIMESTAMPS": "on",
        "MAX_FUTURE_TIMESTAMP_SECONDS": "7",
        "SUMMARIZATION_THRESHOLD": "0.5",
        "FORGETTING_ENABLED": "true",
        "FORGETTING_EVERY_MINUTES": "2",
        "FORGETTING_MAX_AGE_DAYS": "30",
        "FORGETTING_BUDGET_KEEP_TOP_N": "100",
        "ENABLE_DISCRETE_MEMORY_EXTRACTION": "false",
        "EXTRACTION_DEBOUNCE_SECONDS": "5",
        "EXTRACTION_LONGEST_WAIT_SECONDS": "50",
    }
    settings = loaded(environ, dotenv).settings
    options = options_of(settings.memory, settings.sessions, settings.extraction)
    assert (options.extraction, options.extract_after_s, options.extract_within_s) == (False, 5, 50)
    assert options.long_term is False
    assert options.index_messages is False
    assert options.require_timestamps is True
    assert options.max_future_s == 7
    assert options.summarize_at == 0.5
    assert options.forgetting_every_s == 120
    assert options.forgetting is not None
    assert options.forgetting.max_age_days == 30
    assert options.forgetting.budget == 100
    assert options_of(loaded({}, dotenv).settings.memory, settings.sessions, settings.extraction).forgetting is None


def test_the_data_folder_is_absolute_and_a_tilde_is_the_home(dotenv: Path) -> None:
    assert loaded({"MEMORY_DATA_DIR": "~/m"}, dotenv).settings.storage.data_dir == Path.home() / "m"
    assert loaded({"MEMORY_DATA_DIR": "m"}, dotenv).settings.storage.data_dir == Path.cwd() / "m"

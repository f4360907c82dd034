"""Which variables of the environment are taken for mistakes, and which are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.settings import SettingsError, load


def refused(name: str, value: str = "1") -> str | None:
    """The problem that a variable makes, if it makes one."""
    try:
        load({name: value}, dotenv=Path("no such file"))
    except SettingsError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("EMBEDING_MODEL", "EMBEDDING_MODEL"),
        ("EMBEDDING_MODLE", "EMBEDDING_MODEL"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("DISABLE_AUTHH", "DISABLE_AUTH"),
        ("FORGETTING_MAX_AGE_DAY", "FORGETTING_MAX_AGE_DAYS"),
        ("MEMORY_DATA_DIRECTORY", "MEMORY_DATA_DIR"),
        ("REDIS_MEMORY_PROT", "REDIS_MEMORY_PORT"),
        ("REDIS_MEMORY_CONFIGG", "REDIS_MEMORY_CONFIG"),
        ("LONG_TERM_MEMORY_ENABLED", "LONG_TERM_MEMORY"),
        ("OPENAI_API_BSAE", "OPENAI_API_BASE"),
        ("disable_autth", "DISABLE_AUTH"),
    ],
)
def test_a_misspelt_setting_stops_the_start_and_the_right_one_is_named(written: str, meant: str) -> None:
    problem = refused(written)
    assert problem is not None
    assert problem.startswith(f"{written.upper()}: is not a setting (environment)")
    assert problem.endswith(f"did you mean {meant}?")


def test_a_name_with_our_prefix_that_resembles_nothing_stops_the_start_too() -> None:
    assert refused("REDIS_MEMORY_XYZZY") == "REDIS_MEMORY_XYZZY: is not a setting (environment)"


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "PROT",
        "HOSTNAME",
        "REDIS_PORT",
        "REDIS_PASSWORD",
        "MEMORY_PRESSURE_WATCH",
        "AWS_REGION_NAME",
        "AWS_ACCESS_KEY",
        "USE_DOCKER",
        "LOGLEVEL",
        "OPENAI_ORGANIZATION",
        "OPENROUTER_API_KEY",
        "DISABLE_AUTO_UPDATE",
        "OAUTH2_PROXY_CLIENT_ID",
        "MCP_TIMEOUT",
        "AGENT_MEMORY_SERVER_PORT",
    ],
)
def test_variables_of_other_programs_are_left_alone(name: str) -> None:
    assert refused(name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_MEMORY_SERVICE_HOST", "10.0.0.7"),
        ("REDIS_MEMORY_SERVICE_PORT", "6379"),
        ("REDIS_MEMORY_SERVICE_PORT_HTTP", "6379"),
        ("REDIS_MEMORY_PORT", "tcp://10.0.0.7:6379"),
        ("REDIS_MEMORY_PORT_6379_TCP_ADDR", "10.0.0.7"),
        ("MCP_PORT", "tcp://10.0.0.7:9000"),
    ],
)
def test_variables_that_kubernetes_makes_for_services_are_left_alone(name: str, value: str) -> None:
    assert refused(name, value) is None

"""Whether tokens are needed: every combination of the switches, on loopback and elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.settings import SettingsError, load
from agent_memory_server.settings.auth import AuthMode, decide_auth, is_loopback

LOOPBACK, NETWORK = "127.0.0.1", "0.0.0.0"


def decided(host: str, **environ: str) -> tuple[str, bool]:
    decision = decide_auth(load(environ, dotenv=Path("no such file")).settings.auth, host)
    return decision.mode.value, decision.chosen


def test_loopback_needs_no_token_and_any_other_address_does() -> None:
    assert decided(LOOPBACK) == ("disabled", False)
    assert decided(NETWORK) == ("token", False)
    assert decided("memory.example") == ("token", False)


@pytest.mark.parametrize("host", [LOOPBACK, NETWORK])
@pytest.mark.parametrize(
    "environ",
    [
        {"AUTH_MODE": "token"},
        {"AUTH_MODE": "TOKEN"},
        {"DISABLE_AUTH": "false"},
        {"TOKEN_AUTH_ENABLED": "true"},
        {"DISABLE_AUTH": "false", "AUTH_MODE": "token"},
        {"TOKEN_AUTH_ENABLED": "true", "AUTH_MODE": "oauth2", "DISABLE_AUTH": "false"},
    ],
)
def test_any_one_switch_is_enough_to_ask_for_tokens(host: str, environ: dict[str, str]) -> None:
    assert decided(host, **environ) == ("token", True)


@pytest.mark.parametrize("host", [LOOPBACK, NETWORK])
def test_disable_auth_is_the_explicit_way_out(host: str) -> None:
    assert decided(host, DISABLE_AUTH="true") == ("disabled", True)
    assert decided(host, DISABLE_AUTH="true", AUTH_MODE="disabled") == ("disabled", True)


def test_a_mode_of_disabled_alone_is_enough_on_loopback_only() -> None:
    assert decided(LOOPBACK, AUTH_MODE="disabled") == ("disabled", True)
    with pytest.raises(SettingsError, match="DISABLE_AUTH=true"):
        decided(NETWORK, AUTH_MODE="disabled")


@pytest.mark.parametrize("host", [LOOPBACK, NETWORK])
@pytest.mark.parametrize(
    "environ",
    [
        {"DISABLE_AUTH": "true", "AUTH_MODE": "token"},
        {"DISABLE_AUTH": "true", "AUTH_MODE": "oauth2"},
        {"DISABLE_AUTH": "true", "TOKEN_AUTH_ENABLED": "true"},
        {"DISABLE_AUTH": "false", "AUTH_MODE": "disabled"},
        {"TOKEN_AUTH_ENABLED": "true", "AUTH_MODE": "disabled"},
    ],
)
def test_a_contradiction_stops_the_start(host: str, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="contradicts"):
        decided(host, **environ)


def test_oauth2_is_refused_for_now() -> None:
    with pytest.raises(SettingsError, match="OAuth2 is not part of this version"):
        decided(LOOPBACK, AUTH_MODE="oauth2")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "fe80::1%eth0", "127.1.example"])
def test_addresses_that_others_may_reach(host: str) -> None:
    assert not is_loopback(host)


def test_every_mode_is_decided_or_refused() -> None:
    for mode in AuthMode:
        try:
            assert decided(LOOPBACK, AUTH_MODE=mode.value)[0] == mode.value
        except SettingsError:
            assert mode is AuthMode.OAUTH2

"""Whether requests need a token: what can be set, and the one decision that follows from it and the address."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent_memory_server.settings.errors import Problem, SettingsError


class AuthMode(StrEnum):
    """disabled: everyone may do everything; token: a stored token; oauth2: a signed token of an issuer."""

    DISABLED = "disabled"
    TOKEN = "token"  # noqa: S105 (the name of a mode)
    OAUTH2 = "oauth2"


class AuthSettings(BaseModel):
    """Three switches, kept from the reference server. None: not set."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    disable: bool | None = Field(
        None,
        alias="DISABLE_AUTH",
        description="`true`: no authentication, on any address. `false` alone: token mode.",
    )
    mode: AuthMode | None = Field(
        None, alias="AUTH_MODE", description="`token` alone switches authentication on; `oauth2` is refused for now."
    )
    token_enabled: bool | None = Field(None, alias="TOKEN_AUTH_ENABLED", description="`true`: token mode.")

    @field_validator("mode", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthDecision:
    """mode: disabled or token. chosen: the operator asked for it by a setting (otherwise the address decided)."""

    mode: AuthMode
    chosen: bool


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach the address. Names other than localhost are not resolved."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def decide_auth(settings: AuthSettings, host: str) -> AuthDecision:
    """The mode for a server on `host`. Raises: SettingsError, for a contradiction and for oauth2."""
    asked = AuthMode.TOKEN if settings.token_enabled and settings.mode is not AuthMode.DISABLED else settings.mode
    _refuse_contradictions(settings, asked)
    if asked is AuthMode.OAUTH2:
        raise SettingsError([Problem("AUTH_MODE", "OAuth2 is not part of this version; use token", "oauth2")])
    if settings.disable:
        return AuthDecision(mode=AuthMode.DISABLED, chosen=True)
    if asked is AuthMode.TOKEN or settings.disable is False:
        return AuthDecision(mode=AuthMode.TOKEN, chosen=True)
    if asked is AuthMode.DISABLED and not is_loopback(host):
        reason = f"anyone who reaches {host} could read and change everything; if that is meant, set DISABLE_AUTH=true"
        raise SettingsError([Problem("AUTH_MODE", reason, "disabled")])
    if is_loopback(host):
        return AuthDecision(mode=AuthMode.DISABLED, chosen=asked is AuthMode.DISABLED)
    return AuthDecision(mode=AuthMode.TOKEN, chosen=False)


def _refuse_contradictions(settings: AuthSettings, asked: AuthMode | None) -> None:
    if settings.mode is AuthMode.DISABLED and settings.token_enabled:
        raise SettingsError([Problem("AUTH_MODE", "contradicts TOKEN_AUTH_ENABLED=true; keep one of them", "disabled")])
    if settings.mode is AuthMode.DISABLED and settings.disable is False:
        raise SettingsError([Problem("AUTH_MODE", "contradicts DISABLE_AUTH=false; keep one of them", "disabled")])
    if settings.disable and asked in (AuthMode.TOKEN, AuthMode.OAUTH2):
        other = "TOKEN_AUTH_ENABLED=true" if settings.token_enabled else f"AUTH_MODE={asked.value}"
        raise SettingsError([Problem("DISABLE_AUTH", f"contradicts {other}; keep one of them", "true")])

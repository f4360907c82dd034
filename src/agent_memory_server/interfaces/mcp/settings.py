"""What an operator can set about the MCP server."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")
_LISTED_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(:(\d{1,5}|\*))?")
_LISTED_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(:(\d{1,5}|\*))?", re.IGNORECASE)
Port = Annotated[int, Field(ge=0, le=65535)]


def items(text: str) -> tuple[str, ...]:
    """The items of a list separated by commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


class McpSettings(BaseModel):
    """Where `agent-memory mcp` listens over HTTP, and what its calls mean. The last four also hold for `/mcp` of
    `agent-memory api`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False
    )

    host: str = Field(
        "127.0.0.1",
        alias="MCP_HOST",
        description="Address of `agent-memory mcp` over HTTP. On any other than a loopback address it asks for tokens "
        "unless told otherwise (see Authentication).",
    )
    port: Port = Field(9000, alias="MCP_PORT", description="Port of `agent-memory mcp` over HTTP; 0 picks a free one.")
    default_user: str | None = Field(
        None, alias="DEFAULT_MCP_USER_ID", max_length=512, description="User of tool calls that name none."
    )
    default_namespace: str | None = Field(
        None,
        alias="DEFAULT_MCP_NAMESPACE",
        max_length=512,
        description="Namespace of tool calls that name none. A namespace in the URL comes first.",
    )
    allowed_hosts: str = Field(
        "",
        alias="MCP_ALLOWED_HOSTS",
        description="Host names, separated by commas, under which a reverse proxy passes requests on: to MCP, and to "
        "REST where the server listens on a loopback address without tokens. `name:*` allows every port. Addresses "
        "and localhost are always allowed; with tokens every name is.",
    )
    allowed_origins: str = Field(
        "",
        alias="MCP_ALLOWED_ORIGINS",
        description="Origins of web pages that may call MCP, separated by commas, as `https://app.example.com`.",
    )

    @field_validator("host")
    @classmethod
    def _an_address(cls, value: str) -> str:
        address = value.strip().removeprefix("[").removesuffix("]")
        if not _HOST.fullmatch(address):
            raise ValueError("an IP address or a host name is needed")
        return address

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        for item in items(value):
            if not _LISTED_HOST.fullmatch(item):
                raise ValueError(f"{item!r} is no host name; write name, name:port or name:*")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for item in items(value):
            if not _LISTED_ORIGIN.fullmatch(item):
                raise ValueError(f"{item!r} is no origin; write https://name, with a port or :*")
        return value

"""What the settings say about the MCP door, on whichever address it listens."""

from __future__ import annotations

from agent_memory_server.compose.serving import door_auth
from agent_memory_server.interfaces.auth import AuthMode
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.reach import Reach
from agent_memory_server.interfaces.mcp.settings import items
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import is_loopback


def mcp_options(settings: Settings, host: str) -> McpOptions:
    """The door's options for a server on this address. Raises: SettingsError."""
    return McpOptions(
        auth=door_auth(settings, host),
        namespace=settings.mcp.default_namespace,
        user_id=settings.mcp.default_user,
        max_body_bytes=settings.server.max_body_bytes,
    )


def mcp_reach(settings: Settings, host: str) -> Reach:
    """Under which names a server on this address may be reached. Raises: SettingsError."""
    hosts = items(settings.mcp.allowed_hosts)
    return Reach(
        # A server on a certain name is reached under it.
        hosts=(*hosts, host, f"{host}:*"),
        origins=items(settings.mcp.allowed_origins),
        any_host=door_auth(settings, host) is AuthMode.TOKEN,
        plain_names=not is_loopback(host),
    )

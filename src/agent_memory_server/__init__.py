"""Agent Memory Server: working and long-term memory for AI agents behind REST and MCP."""

__version__ = "0.1.0"

"""The table of all settings for the reference page, made from their declarations."""

from __future__ import annotations

from collections.abc import Iterator

from agent_memory_server.settings.variables import Variable, sections, variables

_TITLES = {
    "storage": "Storage",
    "redis": "Redis engine",
    "plugged": "Stores of other packages",
    "embedding": "Embeddings",
    "chat": "Chat models",
    "rerank": "Re-ranking",
    "providers": "Keys of other providers",
    "server": "REST server",
    "auth": "Authentication",
    "memory": "Long-term memory",
    "queries": "Query rewriting",
    "sessions": "Working memory",
    "worker": "Background work",
    "log": "Log",
    "extraction": "Extraction",
    "labels": "Topics and entities",
    "label_sources": "Topics and entities without a chat model",
    "mcp": "MCP server",
    "tasks": "Who does background work",
    "oauth2": "OAuth2",
}


def _row(variable: Variable) -> str:
    cells = (f"`{variable.name}`", variable.type_text, variable.default_text, variable.info.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def tables(*, planned: bool) -> Iterator[str]:
    """Lines of Markdown: one table for each section that has (planned: has no) effect in this version."""
    for section in sections():
        members = [entry for entry in variables().values() if entry.section == section and entry.planned is planned]
        if members:
            yield from (
                f"### {_TITLES[section]}",
                "",
                "| Variable | Value | Default | Meaning |",
                "| --- | --- | --- | --- |",
            )
            yield from map(_row, members)
            yield ""

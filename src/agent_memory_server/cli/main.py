"""`agent-memory`: the group of all commands."""

from __future__ import annotations

from agent_memory_server.cli.lazy import Lazy, LazyGroup

_PACKAGE = "agent_memory_server.cli"

main = LazyGroup(
    name="agent-memory",
    help="Memory for AI agents: run the server, and look after its data folder.\n\n"
    "Settings come from environment variables; `agent-memory config show` lists them.",
    entries={
        "api": Lazy(f"{_PACKAGE}.api:api", "Run the server: REST, and MCP at /mcp."),
        "mcp": Lazy(f"{_PACKAGE}.mcp:mcp", "Run the MCP server: stdio, or over HTTP."),
        "task-worker": Lazy(f"{_PACKAGE}.task_worker:task_worker", "Do the background work of servers."),
        "schedule-task": Lazy(f"{_PACKAGE}.schedule_task:schedule_task", "Queue background work by its name."),
        "search": Lazy(f"{_PACKAGE}.search:search", "Search or list memories."),
        "delete": Lazy(f"{_PACKAGE}.delete:delete", "Delete memories or a session."),
        "token": Lazy(f"{_PACKAGE}.token:token", "Add, list, show and remove access tokens."),
        "jobs": Lazy(f"{_PACKAGE}.jobs:jobs", "Show background work, and what was given up."),
        "decisions": Lazy(f"{_PACKAGE}.decisions:decisions", "List what was decided about memories, and why."),
        "rebuild-index": Lazy(f"{_PACKAGE}.rebuild_index:rebuild_index", "Build the search index again."),
        "migrate-memories": Lazy(
            f"{_PACKAGE}.migrate:migrate_memories", "Write memories of the Redis Agent Memory Server anew."
        ),
        "migrate-working-memory": Lazy(
            f"{_PACKAGE}.migrate:migrate_working_memory", "Make documents of sessions kept as text."
        ),
        "export": Lazy(f"{_PACKAGE}.export_data:export", "Write everything to a file."),
        "import": Lazy(f"{_PACKAGE}.import_data:import_", "Take in everything of such a file."),
        "doctor": Lazy(f"{_PACKAGE}.doctor:doctor", "Check the installation and the data folder."),
        "evaluate": Lazy(
            f"{_PACKAGE}.evaluate:evaluate", "Measure how well a server finds things, and what it remembers."
        ),
        "config": Lazy(f"{_PACKAGE}.config:config", "Show and check the settings."),
        "version": Lazy(f"{_PACKAGE}.version:version", "Print the version."),
    },
)

if __name__ == "__main__":
    main()

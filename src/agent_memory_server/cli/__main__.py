"""`python -m agent_memory_server.cli`: the same as `agent-memory`."""

from agent_memory_server.cli.main import main

if __name__ == "__main__":
    main()

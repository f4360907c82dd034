"""Settings: read once from the environment, `.env` and a file; checked as a whole; frozen."""

from agent_memory_server.settings.errors import Problem, SettingsError
from agent_memory_server.settings.load import Loaded, load
from agent_memory_server.settings.tree import Settings

__all__ = ["Loaded", "Problem", "Settings", "SettingsError", "load"]

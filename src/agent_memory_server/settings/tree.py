"""The settings tree: every section, composed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from agent_memory_server.adapters.plugged.settings import PluggedSettings
from agent_memory_server.adapters.providers.chat.settings import ChatSettings
from agent_memory_server.adapters.providers.rerank.settings import RerankSettings
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.adapters.redis.settings import RedisSettings
from agent_memory_server.adapters.sqlite.settings import StorageSettings
from agent_memory_server.interfaces.mcp.settings import McpSettings
from agent_memory_server.interfaces.rest.settings import ServerSettings
from agent_memory_server.interfaces.worker.settings import TaskSettings, WorkerSettings
from agent_memory_server.settings.auth import AuthSettings
from agent_memory_server.settings.extraction import ExtractionSettings
from agent_memory_server.settings.labels import LabelSettings
from agent_memory_server.settings.memory import MemorySettings, QuerySettings, SessionSettings
from agent_memory_server.settings.planned import (
    LabelSourceSettings,
    OAuth2Settings,
)
from agent_memory_server.settings.providers import ProviderSettings
from agent_memory_server.telemetry.settings import LogSettings


class Settings(BaseModel):
    """Everything an operator can set. `compose` reads it once and hands down the sections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: StorageSettings
    redis: RedisSettings
    plugged: PluggedSettings
    embedding: EmbeddingSettings
    chat: ChatSettings
    rerank: RerankSettings
    providers: ProviderSettings
    server: ServerSettings
    mcp: McpSettings
    auth: AuthSettings
    memory: MemorySettings
    queries: QuerySettings
    sessions: SessionSettings
    worker: WorkerSettings
    tasks: TaskSettings
    log: LogSettings
    extraction: ExtractionSettings
    labels: LabelSettings
    label_sources: LabelSourceSettings
    oauth2: OAuth2Settings

"""A chat model that judges what others found, for measurements."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_memory_server.adapters.providers.chat.open_chat import opened_chats
from agent_memory_server.compose.application import addresses_of
from agent_memory_server.compose.maintenance import NoSpending
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.ports.chat_model import ChatModel
from agent_memory_server.settings import Settings


@asynccontextmanager
async def judging_model(settings: Settings, name: str) -> AsyncIterator[ChatModel]:
    """The model of this name, with the keys and addresses of the settings; the day's budget is left alone.

    Raises: StartRefused, naming what is missing.
    """
    chosen = settings.chat.model_copy(update={"generation_model": name, "fast_model": None})
    addresses = addresses_of(settings)
    async with opened_chats(chosen, addresses, spending=NoSpending(), clock=time.time) as chats:
        if chats.generation is None:
            raise StartRefused(f"there is no chat model {name!r}")
        yield chats.generation

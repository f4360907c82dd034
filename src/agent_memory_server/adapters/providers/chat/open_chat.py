"""From the settings to chat models: which provider, which wrappers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from agent_memory_server.adapters.providers.catalogue import context_tokens
from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.anthropic_chat import BASE as ANTHROPIC_BASE
from agent_memory_server.adapters.providers.chat.anthropic_chat import AnthropicChat
from agent_memory_server.adapters.providers.chat.litellm_chat import LiteLLMChat
from agent_memory_server.adapters.providers.chat.openai_chat import OpenAIChat
from agent_memory_server.adapters.providers.chat.service import ChatService, Structure
from agent_memory_server.adapters.providers.chat.settings import AskedStructure, ChatSettings
from agent_memory_server.adapters.providers.chat.wrappers.budgeted import Budgeted
from agent_memory_server.adapters.providers.chat.wrappers.limited import Limited
from agent_memory_server.adapters.providers.chat.wrappers.retrying import Breaker, Retrying
from agent_memory_server.adapters.providers.open_embedder import OLLAMA, OLLAMA_BASE, OPENAI, OPENAI_BASE
from agent_memory_server.adapters.providers.wrappers.patience import Patience
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.ports.chat_model import ChatModel
from agent_memory_server.ports.clock import Clock
from agent_memory_server.ports.spending import Spending

ANTHROPIC = "anthropic/"
_OLLAMA_CHAT = "ollama_chat/"
_UNKNOWN_CONTEXT = 8192
_OPENAI_NAMES = ("gpt-", "chatgpt-", "o1", "o3", "o4")
_OF_LITELLM = (
    "azure/", "azure_ai/", "bedrock/", "cohere/", "databricks/", "deepseek/", "fireworks_ai/", "gemini/", "groq/",
    "hosted_vllm/", "huggingface/", "lm_studio/", "mistral/", "nvidia_nim/", "openrouter/", "perplexity/",
    "replicate/", "sagemaker/", "together_ai/", "vertex_ai/", "watsonx/", "xai/",
)  # fmt: skip
"""Prefixes that name a provider of litellm. Any other name with a slash may be a model's own on OPENAI_API_BASE."""
_STRUCTURES = {
    AskedStructure.AUTO: Structure.SCHEMA,
    AskedStructure.JSON_OBJECT: Structure.OBJECT,
    AskedStructure.TEXT: Structure.TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where services in OpenAI's wire format are, shared with embeddings."""

    openai_base: str | None = None
    openai_key: SecretStr | None = None
    ollama_base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """The models of a server. fast is `generation` itself where no other one is set."""

    generation: ChatModel | None = None
    fast: ChatModel | None = None


@asynccontextmanager
async def opened_chats(
    settings: ChatSettings, addresses: Addresses, *, spending: Spending, clock: Clock
) -> AsyncIterator[Chats]:
    """The chat models that the settings ask for, closed at the end; nobody is called now.

    "ollama/…" asks Ollama; "anthropic/…" and "claude…" Anthropic; "openai/…", OpenAI's own names, and every other one
    when OPENAI_API_BASE is set, OpenAI's wire format; the rest goes through litellm.
    Raises: StartRefused, naming the setting at fault and the remedy.
    """

    def model_of(variable: str, name: str) -> ChatModel:
        service = _service(settings, addresses, variable, name)
        return _wrapped(service, settings, name, spending=spending, clock=clock)

    async with AsyncExitStack() as stack:
        generation: ChatModel | None = None
        if settings.generation_model is not None:
            generation = model_of("GENERATION_MODEL", settings.generation_model)
            stack.push_async_callback(generation.close)
        fast = generation
        if settings.fast_model is not None and settings.fast_model != settings.generation_model:
            fast = model_of("FAST_MODEL", settings.fast_model)
            stack.push_async_callback(fast.close)
        yield Chats(generation=generation, fast=fast)


def _wrapped(
    service: ChatService, settings: ChatSettings, model: str, *, spending: Spending, clock: Clock
) -> ChatModel:
    patience = Patience(attempts=settings.attempts, backoff_s=settings.backoff_s, timeout_s=settings.timeout_s)
    patient: ChatService = Breaker(
        Retrying(service, patience),
        model=model,
        failures=settings.breaker_failures,
        cooldown_s=settings.breaker_cooldown_s,
    )
    if settings.tokens_per_day is not None:
        patient = Budgeted(patient, spending, tokens_per_day=settings.tokens_per_day, clock=clock)
    answering = ServiceChatModel(
        patient,
        model=model,
        context_tokens=settings.context_tokens or context_tokens(model) or _UNKNOWN_CONTEXT,
        timeout_s=settings.timeout_s,
        best=_STRUCTURES[settings.structure],
    )
    return Limited(answering, at_once=settings.at_once)


def _service(settings: ChatSettings, addresses: Addresses, variable: str, model: str) -> ChatService:
    if model.startswith((OLLAMA, _OLLAMA_CHAT)):
        base = (addresses.ollama_base or OLLAMA_BASE).rstrip("/").removesuffix("/v1")
        return _openai(settings, f"{base}/v1", model.partition("/")[2], key="")
    if model.startswith(ANTHROPIC) or (model.startswith("claude") and not _is_elsewhere(settings, addresses)):
        return _anthropic(settings, variable, model)
    if model.startswith(_OF_LITELLM):
        return LiteLLMChat(model, setting=variable, timeout_s=settings.timeout_s, temperature=settings.temperature)
    key = addresses.openai_key.get_secret_value() if addresses.openai_key else ""
    if addresses.openai_base:
        return _openai(settings, addresses.openai_base, model.removeprefix(OPENAI), key=key)
    if model.startswith((OPENAI, *_OPENAI_NAMES)):
        if not key:
            raise StartRefused(f"{variable}={model} needs OPENAI_API_KEY, or OPENAI_API_BASE of another service")
        return _openai(settings, OPENAI_BASE, model.removeprefix(OPENAI), key=key)
    return LiteLLMChat(model, setting=variable, timeout_s=settings.timeout_s, temperature=settings.temperature)


def _is_elsewhere(settings: ChatSettings, addresses: Addresses) -> bool:
    """Whether a model of Anthropic's is meant to be asked at OPENAI_API_BASE."""
    return bool(addresses.openai_base) and settings.anthropic_key is None and settings.anthropic_base is None


def _openai(settings: ChatSettings, base: str, model: str, *, key: str) -> OpenAIChat:
    return OpenAIChat(
        base,
        model,
        api_key=key,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
        temperature=settings.temperature,
        limit_name="max_completion_tokens" if base == OPENAI_BASE else "max_tokens",
    )


def _anthropic(settings: ChatSettings, variable: str, model: str) -> AnthropicChat:
    key = settings.anthropic_key.get_secret_value() if settings.anthropic_key else ""
    if not key and settings.anthropic_base is None:
        raise StartRefused(f"{variable}={model} needs ANTHROPIC_API_KEY")
    return AnthropicChat(
        settings.anthropic_base or ANTHROPIC_BASE,
        model.removeprefix(ANTHROPIC),
        api_key=key,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
        temperature=settings.temperature,
    )

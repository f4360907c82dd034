"""Other providers, where the optional package is installed: through one that it knows and that is told where to ask."""

from __future__ import annotations

import importlib.util

import pytest
import structlog

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.litellm_chat import LiteLLMChat
from agent_memory_server.domain.errors import MemoryServerError, StartRefused, Unavailable
from agent_memory_server.ports.chat_model import ChatRequest
from tests.support.chat_service import chat_service

INSTALLED = importlib.util.find_spec("litellm") is not None
MODEL = "hosted_vllm/some-model"
QUESTION = ChatRequest(purpose="summary", instructions="Summarize.", text="I live in Vienna.")


@pytest.mark.skipif(INSTALLED, reason="the extra litellm is installed")
def test_a_model_that_needs_the_package_names_it() -> None:
    with pytest.raises(StartRefused, match=r"GENERATION_MODEL=gemini/x needs the package litellm"):
        LiteLLMChat("gemini/x", setting="GENERATION_MODEL", timeout_s=60)


@pytest.mark.skipif(not INSTALLED, reason="the extra litellm is not installed")
@pytest.mark.filterwarnings("default")
async def test_questions_are_answered_and_failures_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with chat_service() as service, structlog.testing.capture_logs():
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", service.url)
        client = LiteLLMChat(MODEL, setting="GENERATION_MODEL", timeout_s=60)
        model = ServiceChatModel(client, model=MODEL, context_tokens=8000, timeout_s=60)
        assert (await model.ask(QUESTION)).text == "An answer."
        service.fail(500, times=9)
        with pytest.raises(MemoryServerError) as failure:
            await model.ask(QUESTION)
        assert isinstance(failure.value, Unavailable)
        await model.close()
    assert capfd.readouterr().out == ""

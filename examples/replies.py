"""What the examples share: the address of the server, the lines that are typed, and a model where one is configured.

OPENAI_API_KEY asks OpenAI; OPENAI_API_BASE asks another service with its wire format (Ollama, vLLM, LM Studio, …), with
the model that OPENAI_MODEL names. With neither, the examples answer by rules, from what they remember.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2

URL = os.environ.get("MEMORY_URL", "http://127.0.0.1:8000")
TIMEOUT_S = 60.0


def lines(prompt: str) -> Iterator[str]:
    """What is typed, line by line, until the input ends or a line says "quit"."""
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            print()
            return
        if line == "quit":
            return
        if line:
            yield line


def complete(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] = ()) -> dict[str, Any] | None:
    """The model's next message, which may ask for calls of tools; None where no model is configured."""
    key, base = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_API_BASE")
    if not key and not base:
        return None
    asked = {"model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"), "messages": list(messages)}
    response = httpx2.post(
        f"{(base or 'https://api.openai.com/v1').rstrip('/')}/chat/completions",
        json={**asked, "tools": list(tools)} if tools else asked,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=TIMEOUT_S,
    )
    response.raise_for_status()
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def said(messages: Sequence[dict[str, Any]]) -> str | None:
    """The text of the model's next message; None where no model is configured."""
    message = complete(messages)
    return message["content"] if message else None

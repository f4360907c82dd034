"""The optional package litellm. Importing it costs seconds of processor time and 180 MB, so it happens on first use,
in a thread."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled
from agent_memory_server.domain.errors import DeadlineExceeded, StartRefused, Unavailable

_SETTING_AT_FAULT = {401, 403, 404}


def require_installed(needed_by: str) -> None:
    """Raises: StartRefused, when the package is not installed. needed_by: the setting and its value."""
    if importlib.util.find_spec("litellm") is None:
        raise StartRefused(f"{needed_by} needs the package litellm: pip install 'agent-memory-server[litellm]'")


def imported() -> Any:
    """The library, made quiet. Blocks on first use."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read at import: otherwise it fetches a price list
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True  # it prints to stdout, which belongs to MCP over stdio
    return litellm


def translated(litellm: Any, exc: Exception, model: str, *, setting: str, given: str) -> Exception:
    """A domain error for one of litellm's. Its text is left out: it may quote what was asked.

    setting: the variable that names the model; given: what the model was given ("a text").
    """
    what = f"{model}: {type(exc).__name__}"
    if isinstance(exc, litellm.Timeout):
        return DeadlineExceeded(f"{what}: no answer in time")
    if isinstance(exc, litellm.RateLimitError):
        return Throttled(f"{what}: the service is too busy")
    if getattr(exc, "status_code", None) in _SETTING_AT_FAULT:
        return Misconfigured(f"{what}: check {setting} and the provider's key")
    if isinstance(exc, litellm.BadRequestError):
        return Refused(f"{what}: refused; the model's name is wrong, or {given} is too long for it")
    return Unavailable(f"{what}: the service cannot be used now")

"""Extraction prompts that callers write, and what comes back from them: what is refused, and why.

The checks look at words, not at letters: "important" holds no "import", a secretary is no secret, and a note on an
operating system is no attempt to speak as the system.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from agent_memory_server.domain.errors import InvalidRequest

MOST_CHARS = 10_000
MOST_ANSWER_CHARS = 1000
VARIABLES = frozenset(
    {
        "message",
        "current_datetime",
        "session_id",
        "namespace",
        "user_id",
        "model_name",
        "context",
        "topics",
        "entities",
    }
)
"""Names that a template may use in braces, besides those of its own configuration."""

_FIELD = "config.custom_prompt"
_OVERRIDES = (
    (
        r"\bignore\s+(?:(?:all|any)\s+)?(?:of\s+)?(?:the\s+)?(?:previous|prior|above|earlier)\s+"
        r"(?:instructions?|prompts?|rules?)\b"
    ),
    r"\bignore\s+all\s+(?:instructions?|rules?)\b",
    r"\b(?:forget|disregard)\s+(?:everything|all\b|(?:the\s+)?previous\b)",
    r"\bnew\s+instructions\s*:",
    r"\boverride\s+(?:the\s+|your\s+|all\s+)?(?:system|instructions?)\b",
    r"^\s*(?:<\|?\s*)?system\s*(?:\|?>|[:=])",
)
_OTHER_ROLE = (
    r"\bact\s+as\s+(?:an?\s+|the\s+)?(?:dan\b|developer\s+mode|unrestricted)",
    r"\bpretend\s+(?:that\s+)?(?:you\s+are|you're|to\s+be)\b",
    r"\brole-?\s?play\s+as\b",
    r"\bsimulate\s+(?:a|an|being)\b",
)
_ASKS_FOR_PROMPT = (
    (
        r"\b(?:reveal|show\s+me|print|repeat|output)\s+(?:your|the\s+system(?:'s)?)\s+(?:system\s+)?"
        r"(?:instructions?|prompts?)\b"
    ),
    r"\bwhat\s+are\s+your\s+instructions\b",
)
_RUNS_CODE = (
    r"\b(?:execute|run)\s+(?:the\s+|this\s+|following\s+|some\s+|arbitrary\s+)*(?:code|commands?|scripts?)\b",
    r"\b(?:eval|exec)\s*\(|\b__import__\b|\bsubprocess\s*[.(]|\bos\.system\b",
)
_REFUSED = tuple(
    (re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE), what)
    for patterns, what in (
        (_OVERRIDES, "overrides instructions"),
        (_OTHER_ROLE, "asks for another role"),
        (_ASKS_FOR_PROMPT, "asks for the instructions"),
        (_RUNS_CODE, "asks to run code"),
    )
)
_UNWANTED = re.compile(
    r"\b(?:ignore|disregard|override)\s+(?:all\s+|any\s+|the\s+|your\s+|my\s+)*(?:previous|prior|above|system|instructions?)\b"
    r"|^\s*system\s*[:=]"
    r"|\b(?:eval|exec)\s*\(|\b__\w+__\b|\bsubprocess\s*[.(]|\bos\.system\b"
    r"|\b(?:api[_ -]?key|password|passphrase|private[_ -]?key|(?:access|auth|bearer|refresh|api)[_ -]?token|"
    r"client[_ -]?secret|credentials?)\b\s*(?:is\b|are\b|was\b|[:=])",
    re.IGNORECASE | re.MULTILINE,
)
_FORMATTER = string.Formatter()


def refuse_unsafe_prompt(prompt: object, config: Mapping[str, object] | None = None) -> None:
    """Check a template. config: the strategy's other members, whose names it may use in braces.

    Raises: InvalidRequest, naming what is wrong with it.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest("custom_prompt is required and must be a text that is not blank", field=_FIELD)
    if len(prompt) > MOST_CHARS:
        raise InvalidRequest(
            f"custom_prompt has {len(prompt)} characters, at most {MOST_CHARS} are allowed", field=_FIELD
        )
    refuse_overriding(prompt, "custom_prompt", field=_FIELD)
    known = VARIABLES | (config or {}).keys()
    for name, form in _fields(prompt):
        if name not in known or form:
            allowed = ", ".join(sorted(known))
            raise InvalidRequest(
                f"custom_prompt uses {{{name}}}; write a brace of your own as {{{{ or }}}}. Known: {allowed}",
                field=_FIELD,
            )


def refuse_overriding(prompt: str, name: str, *, field: str) -> None:
    """Check a prompt of a caller for attempts to step out of its task. name: what messages call it.

    Raises: InvalidRequest.
    """
    for pattern, what in _REFUSED:
        if pattern.search(prompt):
            raise InvalidRequest(f"{name} is refused: it {what}", field=field)


def filled(prompt: str, values: Mapping[str, object]) -> str:
    """The template with its variables replaced. Texts of users among the values are to be fenced before.

    Raises: InvalidRequest, for a variable without a value and for a template that `refuse_unsafe_prompt` refuses.
    """
    refuse_unsafe_prompt(prompt, values)
    parts = []
    for literal, name, _, _ in _FORMATTER.parse(prompt):
        parts.append(literal)
        if name is not None:
            if name not in values:
                raise InvalidRequest(f"custom_prompt uses {{{name}}}, which has no value here", field=_FIELD)
            parts.append(str(values[name]))
    return "".join(parts)


def unsafe_answer(text: str) -> str | None:
    """Why a memory that a custom prompt brought forth is not stored; None when it may be."""
    if len(text) > MOST_ANSWER_CHARS:
        return f"longer than {MOST_ANSWER_CHARS} characters"
    return "speaks of instructions, code or a secret's value" if _UNWANTED.search(text) else None


def _fields(prompt: str) -> list[tuple[str, str]]:
    """(name, what follows it inside the braces) of each variable."""
    try:
        return [
            (name, f"{conversion or ''}{form or ''}")
            for _, name, form, conversion in _FORMATTER.parse(prompt)
            if name is not None
        ]
    except ValueError as exc:
        raise InvalidRequest(f"custom_prompt has a brace without its partner ({exc})", field=_FIELD) from exc

"""What a strategy of extraction may be configured with, and what is refused of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent_memory_server.domain.custom_prompts import refuse_unsafe_prompt
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.session import Strategy
from agent_memory_server.domain.support import Aim

SUMMARY_WORDS: Final = 500
"""Of a summary, where `max_summary_length` does not say; as the reference server has it."""
MOST_SUMMARY_WORDS: Final = 5000
SUMMARY_VERSION: Final = "thread-summary-v1"
_AIMED: Final = frozenset({"discrete", "preferences"})
_LONGEST_NAME = 100
_MOST_TOPICS = 50


def refuse_bad_strategy(strategy: Strategy) -> None:
    """Check the members that a strategy uses; others are kept and have no meaning.

    Raises: InvalidRequest, naming the member and its value.
    """
    config = strategy.config
    if strategy.name == "custom":
        others = {name: value for name, value in config.items() if name != "custom_prompt"}
        refuse_unsafe_prompt(config.get("custom_prompt"), others)
    if strategy.name == "summary":
        _refuse_bad_summary(config)
    if strategy.name in _AIMED and config.get("aim", Aim.BALANCED) not in list(Aim):
        _refuse("aim", "one of " + ", ".join(Aim), config["aim"])


def aim_of(strategy: Strategy, usual: Aim) -> Aim:
    """What a strategy's `config.aim` says, else the usual aim; `custom` and `summary` have no aim of their own."""
    told = strategy.config.get("aim") if strategy.name in _AIMED else None
    return next((aim for aim in Aim if aim == told), usual)


def _refuse_bad_summary(config: Mapping[str, Any]) -> None:
    words = config.get("max_summary_length", SUMMARY_WORDS)
    if not isinstance(words, int) or isinstance(words, bool) or not 1 <= words <= MOST_SUMMARY_WORDS:
        _refuse("max_summary_length", f"a whole number from 1 to {MOST_SUMMARY_WORDS}", words)
    version = config.get("summary_version", SUMMARY_VERSION)
    if not _is_name(version):
        _refuse("summary_version", f"a text of 1 to {_LONGEST_NAME} characters", version)
    topics = config.get("topics", [])
    if not isinstance(topics, list) or len(topics) > _MOST_TOPICS or not all(map(_is_name, topics)):
        _refuse("topics", f"a list of at most {_MOST_TOPICS} texts of 1 to {_LONGEST_NAME} characters", topics)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= _LONGEST_NAME


def _refuse(member: str, wanted: str, value: object) -> None:
    raise InvalidRequest(f"{member} must be {wanted}, not {str(value)[:_LONGEST_NAME]!r}", field=f"config.{member}")

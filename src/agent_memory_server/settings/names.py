"""Which names are ours, and which look like a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches

PREFIX = "REDIS_MEMORY_"
"""`REDIS_MEMORY_PORT` means `PORT`."""
CONFIG_FILE = "REDIS_MEMORY_CONFIG"
"""Names a file of settings."""

OUR_PREFIXES = (
    PREFIX,
    "COMPACTION_",
    "DEDUPLICATION_",
    "DEFAULT_MCP_",
    "EMBEDDING_",
    "FORGETTING_",
    "IDEMPOTENCY_",
    "LONG_TERM_MEMORY",
    "MEMORY_DATA_",
    "MEMORY_DURABILITY",
    "MEMORY_VECTOR_",
    "REDISVL_",
    "RERANK_",
    "SUMMARIZATION_",
    "SUMMARY_VIEW_",
    "TOKEN_AUTH_",
    "VECTOR_CACHE_",
    "WORKING_MEMORY_",
)
"""No other program's variables begin like this, so an unknown one is a mistake. `MEMORY_` alone is not among them:
service managers set variables with it (MEMORY_PRESSURE_WATCH)."""

OF_OTHER_PROGRAMS = frozenset({"AWS_ACCESS_KEY", "DOCKER_NAME", "LOGLEVEL", "USE_DOCKER"})
"""Variables in use elsewhere that differ from one of ours by a letter."""

_SHORTEST = 8
_SIMILAR = 0.88
_LOOSELY_SIMILAR = 0.6
_SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)")
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes made this variable for a service that happens to be called like one of our names.

    A service `mcp` puts MCP_PORT=tcp://10.0.0.7:9000 into every container of its namespace.
    """
    return bool(_SERVICE_LINK.search(name) or (name.endswith("_PORT") and _LINK_VALUE.match(value)))


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if any is near enough to be worth naming."""
    prefix = PREFIX if name.startswith(PREFIX) else ""
    candidates = [*known, CONFIG_FILE.removeprefix(prefix)]
    found = get_close_matches(name.removeprefix(prefix), candidates, n=1, cutoff=_LOOSELY_SIMILAR)
    return prefix + found[0] if found else None


def _is_typo(name: str, known: str) -> bool:
    if len(name) < _SHORTEST or len(known) < _SHORTEST or name[0] != known[0]:
        return False
    matcher = SequenceMatcher(None, name, known)
    return matcher.real_quick_ratio() >= _SIMILAR and matcher.quick_ratio() >= _SIMILAR and matcher.ratio() >= _SIMILAR


def mistaken(environment: Mapping[str, str], known: Mapping[str, object]) -> list[str]:
    """Names (upper case) of variables that are not settings but claim to be, or nearly are, in their order."""
    accepted = {*known, CONFIG_FILE, *(PREFIX + name for name in known)}
    return [
        name
        for name, value in environment.items()
        if name not in accepted
        and name not in OF_OTHER_PROGRAMS
        and not is_service_link(name, value)
        and (name.startswith(OUR_PREFIXES) or any(_is_typo(name, other) for other in (*known, CONFIG_FILE)))
    ]

"""Conditional writes: a revision as an entity tag, and the conditions a request may set."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from agent_memory_server.domain.errors import InvalidRequest

_TAG = re.compile(r'(?:W/)?"?(\d{1,18})"?')


def etag(revision: int) -> dict[str, str]:
    """The header that carries a revision."""
    return {"ETag": f'"{revision}"'}


def if_match(headers: Headers) -> int | None:
    """The revision that `If-Match` asks for; None when the request sets no condition.

    Raises: InvalidRequest, when the header holds anything but one entity tag of this server.
    """
    tag = headers.get("if-match")
    if tag is None:
        return None
    found = _TAG.fullmatch(tag.strip())
    if not found:
        raise InvalidRequest('If-Match must be one revision, for example "3"', field="header.if-match")
    return int(found.group(1))


def if_absent(headers: Headers) -> bool:
    """Whether the request is to succeed only where nothing is stored yet: `If-None-Match: *`.

    Raises: InvalidRequest for any other value.
    """
    tag = headers.get("if-none-match")
    if tag is None:
        return False
    if tag.strip() != "*":
        raise InvalidRequest("If-None-Match must be *", field="header.if-none-match")
    return True

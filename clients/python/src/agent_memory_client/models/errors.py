"""The body of an error."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agent_memory_client.models.fields import WireModel, absent


class FieldError(WireModel):
    """What is wrong with one member of a request. `loc` begins with body, query or path."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] | None = Field(default=None, exclude_if=absent)


class ErrorResponse(WireModel):
    """Why a request failed: in words, or as a list of members at fault (status 422).

    code: stable name of the failure. retryable: whether the same request may succeed later. error_id: what to quote
    when the fault is the server's. Each is absent when it is not known.
    """

    detail: str | list[FieldError]
    code: str | None = Field(default=None, exclude_if=absent)
    retryable: bool | None = Field(default=None, exclude_if=absent)
    error_id: str | None = Field(default=None, exclude_if=absent)

"""What a response means: a typed value, or a typed error."""

from __future__ import annotations

from typing import TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent_memory_client.exceptions import AnsweredError, MemoryServerError, MemoryValidationError, error_class
from agent_memory_client.models.errors import ErrorResponse, FieldError

_MODEL = TypeVar("_MODEL", bound=BaseModel)

_SHOWN_FIELDS = 5
_SHOWN_CHARS = 500


def checked(model: type[_MODEL], members: object) -> _MODEL:
    """A request built from its members. Raises: MemoryValidationError, naming each member at fault."""
    try:
        return model.model_validate(members)
    except ValidationError as exc:
        faults = [FieldError(type=e["type"], loc=list(e["loc"]), msg=e["msg"]) for e in exc.errors(include_url=False)]
        raise MemoryValidationError(_told(faults)) from exc


def read(model: type[_MODEL], response: httpx2.Response) -> _MODEL:
    """The value in a successful response. Raises: MemoryServerError, when it is not what the format says."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as exc:
        raise MemoryServerError(
            f"the answer of {response.request.url} is not a {model.__name__}; is that the address of a memory server?",
            response.status_code,
        ) from exc


def read_list(model: type[_MODEL], response: httpx2.Response) -> list[_MODEL]:
    """The values in a successful response that is a list of them. Raises: MemoryServerError, as `read`."""
    try:
        return TypeAdapter(list[model]).validate_json(response.content)  # type: ignore[valid-type]
    except ValidationError as exc:
        raise MemoryServerError(
            f"the answer of {response.request.url} is not a list of {model.__name__}; "
            "is that the address of a memory server?",
            response.status_code,
        ) from exc


def error_of(response: httpx2.Response) -> AnsweredError:
    """The error that an unsuccessful response tells."""
    status = response.status_code
    try:
        body = ErrorResponse.model_validate_json(response.content)
    except ValidationError:
        text = response.text.strip()[:_SHOWN_CHARS]
        body = ErrorResponse(detail=f"HTTP {status}: {text}" if text else f"HTTP {status}")
    kind = error_class(body.code, status)
    message = body.detail if isinstance(body.detail, str) else _told(body.detail)
    request = response.request
    return kind(
        f"{message} ({request.method} {request.url.path})",
        status,
        code=body.code,
        retryable=body.retryable,
        error_id=body.error_id or response.headers.get("X-Error-ID"),
    )


def _told(faults: list[FieldError]) -> str:
    told = [f"{'.'.join(str(part) for part in fault.loc) or 'request'}: {fault.msg}" for fault in faults]
    more = len(told) - _SHOWN_FIELDS
    return "; ".join(told[:_SHOWN_FIELDS]) + (f"; and {more} more" if more > 0 else "")

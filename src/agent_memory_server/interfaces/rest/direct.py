"""The routes that are asked most, without the framework's general machinery.

A plain, valid request is read, validated and answered here: the framework takes 0.1 to 0.2 ms of the event loop to read
parameters and body, a third of what reading a session takes. Any other one (another content type, an idempotency key, a
value that does not fit) goes the usual way, which words every refusal.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from agent_memory_server.interfaces.rest.guard import GuardedRoute, WriteRoute, admit

_JSON = b"application/json"
_KEY = b"idempotency-key"
BODY = "body"
"""The name of the endpoint's parameter that holds the body."""


class _Unfit(ValueError):
    """A value that the usual way is to refuse."""


class _Field(Protocol):
    """A parameter as the framework declares it. alias: its name in the request."""

    name: str

    @property
    def alias(self) -> str: ...

    def validate(self, value: Any, /) -> tuple[Any, list[Any]]: ...


def _again(body: bytes) -> Receive:
    """A channel that delivers a body that was read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class _Direct(APIRoute):
    """A route whose endpoint takes the request, single values of path and query, and at most a model called `body`."""

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._in_path: Sequence[_Field] = self.dependant.path_params
        self._in_query: Sequence[_Field] = self.dependant.query_params
        self._model: type[BaseModel] | None = None
        for field in self.dependant.body_params:
            self._model = field.field_info.annotation  # type: ignore[assignment]
        self._usual = self.app
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_plain(scope):
            await self._usual(scope, receive, send)
            return
        request = Request(scope, receive)
        await self._admit(request)
        raw = b"" if self._model is None else await request.body()
        try:
            values = self._values(scope)
            if self._model is not None:
                values[BODY] = self._model.model_validate(json.loads(raw))
        except (ValueError, RecursionError):  # pydantic's error is a ValueError
            await self._usual(scope, receive if self._model is None else _again(raw), send)
            return
        response: Response = await self.endpoint(request, **values)
        await response(scope, receive, send)

    async def _admit(self, request: Request) -> None:
        await admit(request, None)

    def _is_plain(self, scope: Scope) -> bool:
        types = []
        for name, value in scope["headers"]:
            if name == b"content-type":
                types.append(value)
            elif name == _KEY:
                return False
        return self._model is None or types == [_JSON]

    def _values(self, scope: Scope) -> dict[str, Any]:
        """The endpoint's arguments from path and query; what the query leaves out has its default there."""
        values = _validated(self._in_path, scope["path_params"])
        if self._in_query and scope["query_string"]:
            # As the framework reads it: of a name that is given twice, the last value counts.
            given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            values |= _validated(self._in_query, given)
        return values


def _validated(fields: Sequence[_Field], given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields:
        if field.alias in given:
            values[field.name], errors = field.validate(given[field.alias])
            if errors:
                raise _Unfit
    return values


class DirectRoute(_Direct, GuardedRoute):
    """A `GuardedRoute`."""


class DirectWriteRoute(_Direct, WriteRoute):
    """A `WriteRoute`."""


class DirectOpenRoute(_Direct):
    """A route for everybody."""

    async def _admit(self, request: Request) -> None:
        """Nobody is asked for."""

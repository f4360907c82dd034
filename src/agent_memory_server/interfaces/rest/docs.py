"""Pages that show the API's description in a browser. They load nothing from any other host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import HTMLResponse

_POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page() -> str:
    return files("agent_memory_server.interfaces.rest").joinpath("docs.html").read_text("utf-8")


async def show_docs() -> HTMLResponse:
    """The page, which reads /openapi.json from the server it came from."""
    return HTMLResponse(_page(), headers={"Content-Security-Policy": _POLICY})


def add_to(router: APIRouter) -> None:
    """Add the pages under both names that callers know."""
    for path in ("/docs", "/redoc"):
        router.add_api_route(path, show_docs, methods=["GET"], include_in_schema=False, response_class=HTMLResponse)

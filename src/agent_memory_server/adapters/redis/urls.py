"""What a Redis URL means: one server, a cluster, or a server that sentinels watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio.connection import SSLConnection, parse_url

from agent_memory_server.domain.errors import StartRefused

_SCHEMES = ("redis", "rediss", "unix")
_FORMS = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://", "redis+sentinel://",
          "rediss+sentinel://")  # fmt: skip
_REDIS_PORT = 6379
_SENTINEL_PORT = 26379


class Shape(Enum):
    """What there is behind a URL."""

    SERVER = "server"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """url: as the driver takes it, of the first host. hosts: all of them. options: what the driver reads out of the URL
    beside a host (user, password, db, TLS). service: the name that sentinels know the server by; sentinel_password:
    their own."""

    shape: Shape
    url: str
    hosts: Sequence[tuple[str, int]] = ()
    options: dict[str, Any]
    service: str = ""
    sentinel_password: str | None = None


def _shape(url: str) -> Shape:
    parts = urlsplit(url)
    if parts.scheme.endswith("+sentinel"):
        return Shape.SENTINEL
    asked = dict(parse_qsl(parts.query)).get("cluster", "").casefold() == "true"
    several = "," in parts.netloc.rpartition("@")[2]
    return Shape.CLUSTER if parts.scheme.endswith("+cluster") or asked or several else Shape.SERVER


def address_of(url: str) -> Address:
    """Read a URL. Raises: StartRefused for one that cannot be used; it is never quoted, as it may hold a password."""
    shape = _shape(url)
    parts = urlsplit(url)
    scheme = parts.scheme.removesuffix("+cluster").removesuffix("+sentinel")
    if scheme not in _SCHEMES or (shape is not Shape.SERVER and scheme == "unix"):
        raise StartRefused(f"REDIS_URL must begin with {', '.join(_FORMS)}")
    query = dict(parse_qsl(parts.query))
    query.pop("cluster", None)
    sentinel_password = query.pop("sentinel_password", None)
    path, service = parts.path, ""
    if shape is Shape.SENTINEL:
        service, _, database = parts.path.strip("/").partition("/")
        path = f"/{database}" if database else ""
        if not service:
            raise StartRefused(
                "REDIS_URL must name the service that the sentinels know: …+sentinel://host:26379/<service>"
            )
    credentials, at, places = parts.netloc.rpartition("@")
    hosts = places.split(",")
    plain = urlunsplit((scheme, f"{credentials}{at}{hosts[0]}", path, urlencode(query), ""))
    if shape is Shape.SERVER:
        return Address(shape=shape, url=plain if "cluster" in parts.query else url, options={})
    try:
        options = dict(parse_url(plain))
        if options.pop("connection_class", None) is SSLConnection:
            options["ssl"] = True
        usual = _SENTINEL_PORT if shape is Shape.SENTINEL else _REDIS_PORT
        addresses = [_host(place, usual) for place in hosts]
    except ValueError as exc:
        raise StartRefused(f"REDIS_URL cannot be read: {exc}") from exc
    for name in ("host", "port"):
        options.pop(name, None)
    if shape is Shape.CLUSTER and options.pop("db", 0):
        raise StartRefused("REDIS_URL names a database of a cluster, which has only database 0")
    return Address(
        shape=shape, url=plain, hosts=addresses, options=options, service=service, sentinel_password=sentinel_password
    )


def _host(place: str, usual_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, parts.port or usual_port


def database_of(url: str) -> int:
    """The number of the database that a URL names. Raises: StartRefused for a URL that cannot be used."""
    address = address_of(url)
    if address.shape is not Shape.SERVER:
        return int(address.options.get("db") or 0)
    try:
        return int(parse_url(address.url).get("db") or 0)
    except ValueError as exc:
        raise StartRefused(f"REDIS_URL cannot be read: {exc}") from exc

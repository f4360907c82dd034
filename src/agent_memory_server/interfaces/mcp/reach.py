"""Under which names the server may be reached: protection against web pages that talk to it behind the user's back.

A page on the internet can make its own host name lead to this machine (DNS rebinding), and the browser then sends it
there with the page's name in `Host` and `Origin`. So a name is accepted only where no stranger could have chosen it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_ANY_PORT = ":*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """hosts, origins: what the operator added, as `name`, `name:port`, `name:*`; `https://name`, with a port or `:*`.

    any_host: every name in `Host` is fine, because each request must present a token, which no strange page has.
    plain_names: names without a dot are fine too, as containers call each other; not where only this machine connects.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    any_host: bool = False
    plain_names: bool = False

    def admits_host(self, host: str | None) -> bool:
        """Whether a `Host` header is fine. Addresses always are: rebinding needs a name."""
        if self.any_host:
            return True
        name = _name(host or "")
        return _is_this_machine(name) or _is_address(name) or self._is_plain(name) or _listed(host or "", self.hosts)

    def admits_origin(self, origin: str | None, host: str | None) -> bool:
        """Whether an `Origin` header is fine: none, this server itself, this machine, one that was added, or one that
        is not of a web page."""
        if not origin:
            return True
        if _listed(origin, self.origins):
            return True
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"}:
            return bool(parts.scheme)  # an application's own window, as vscode-file://…; "null" has no scheme
        name = _name(parts.netloc)
        return _is_this_machine(name) or name == _name(host or "")

    def _is_plain(self, name: str) -> bool:
        return self.plain_names and bool(name) and "." not in name


def _name(authority: str) -> str:
    """The name in `name:port`, lower case, without brackets and the dot that may end it."""
    authority = authority.rpartition("@")[2].strip().lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].removesuffix(".")


def _is_this_machine(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or (_is_address(name) and _is_loopback(name))


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _listed(given: str, patterns: Iterable[str]) -> bool:
    given = given.strip().lower()
    bare = given if given.endswith("]") else given.rpartition(":")[0]
    for pattern in patterns:
        wanted = pattern.strip().lower()
        if given == wanted:
            return True
        if wanted.endswith(_ANY_PORT) and wanted.removesuffix(_ANY_PORT) in {bare, given}:
            return True
    return False

"""The socket a server listens on, bound before anything else starts so that a busy port is told at once."""

from __future__ import annotations

import errno
import os
import socket

from agent_memory_server.domain.errors import StartRefused


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to the address, not listening yet; port 0 takes a free one.

    Raises: StartRefused, when the port is in use, not allowed, or the host is not one of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as exc:
        raise StartRefused(f"HOST={host} is no address of this machine") from exc
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as exc:
        listener.close()
        raise StartRefused(_reason(exc, host, port)) from exc
    return listener


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use by another program; choose another with --port or PORT"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this account; choose one above 1023 with --port or PORT"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


def url_of(listener: socket.socket, host: str) -> str:
    """The address for people and clients, with the port that was taken."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"

"""What holds on a real connection, where a client may send anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent_memory_server.interfaces.rest.options import RestOptions
from tests.support.http import listening

LIMIT = 1000


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with listening(tmp_path, RestOptions(max_body_bytes=LIMIT)) as url:
        yield urlsplit(url).port or 0


def exchange(port: int, *parts: bytes) -> bytes:
    """All that the server answers until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    return answer


def head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: memory.test", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def test_a_body_declared_too_large_is_refused_without_being_read(port: int) -> None:
    request = head("POST", "/v1/long-term-memory/", "Content-Type: application/json", f"Content-Length: {LIMIT + 1}")
    answer = exchange(port, request)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too_large"' in answer


def test_a_body_in_chunks_is_refused_once_it_is_too_large(port: int) -> None:
    request = head("POST", "/v1/long-term-memory/", "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"1f4\r\n" + b" " * 500 + b"\r\n"
    answer = exchange(port, request, chunk, chunk, chunk)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/v1/working-memory/%00", "/v1/working-memory/a%2Fb", "/v1/working-memory/%FF%FE"])
def test_an_odd_path_is_no_fault_of_the_server(port: int, path: str) -> None:
    answer = exchange(port, head("GET", path, "Connection: close"))
    assert answer.split(b" ")[1] in {b"404", b"422"}


def test_a_connection_serves_on_after_a_refusal(port: int) -> None:
    refused = head("GET", "/v1/long-term-memory/nothing")
    answer = exchange(port, refused, head("GET", "/v1/health", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"HTTP/1.1 200 " in answer

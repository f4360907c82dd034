"""A small HTTP/1.1 load generator: it shares the machine with the server, so it must cost little itself."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any


class Connection:
    """One keep-alive connection. Answers carry Content-Length, or come in chunks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to 127.0.0.1."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**26))

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request; (status, body)."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
                break
            if line[:26].lower() == b"transfer-encoding: chunked":
                return int(head[9:12]), await self._chunks()
        body = await self._reader.readexactly(length) if length else b""
        return int(head[9:12]), body

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
        return body

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


def request(method: str, path: str, body: Any = None) -> bytes:
    """The bytes of a request with a JSON body."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in milliseconds; errors: answers other than 2xx."""

    scenario: str
    clients: int
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_second: float
    errors: int
    server_cpu_ms: float

    def data(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


async def _client(port: int, requests: Iterator[bytes], times: list[float], errors: list[int]) -> None:
    connection = await Connection.open(port)
    for raw in requests:
        started = time.perf_counter()
        status, _ = await connection.send(raw)
        times.append(time.perf_counter() - started)
        if not 200 <= status < 300:
            errors.append(status)
    connection.close()


async def run(
    port: int, scenario: str, make: Callable[[int], bytes], *, clients: int, requests: int, cpu: Callable[[], float]
) -> Timing:
    """Send `requests` requests over `clients` connections, each as fast as answers come.

    make: the raw request of a number; all are made before the clock starts.
    """
    prepared = iter([make(number) for number in range(requests)])
    times: list[float] = []
    errors: list[int] = []
    cpu_before, started = cpu(), time.perf_counter()
    await asyncio.gather(*(_client(port, prepared, times, errors) for _ in range(clients)))
    elapsed = time.perf_counter() - started
    cuts = statistics.quantiles([t * 1000 for t in times], n=100, method="inclusive")
    return Timing(
        scenario=scenario,
        clients=clients,
        requests=requests,
        p50_ms=round(cuts[49], 3),
        p95_ms=round(cuts[94], 3),
        p99_ms=round(cuts[98], 3),
        per_second=round(requests / elapsed, 1),
        errors=len(errors),
        server_cpu_ms=round((cpu() - cpu_before) / requests * 1000, 3),
    )


HEADER = f"{'scenario':<26} {'clients':>7} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'req/s':>9} {'CPU ms':>7} errors"


def line(timing: Timing) -> str:
    """A row under HEADER."""
    return (
        f"{timing.scenario:<26} {timing.clients:>7} {timing.p50_ms:>8.2f} {timing.p95_ms:>8.2f} {timing.p99_ms:>8.2f} "
        f"{timing.per_second:>9.1f} {timing.server_cpu_ms:>7.2f} {timing.errors:>6}"
    )

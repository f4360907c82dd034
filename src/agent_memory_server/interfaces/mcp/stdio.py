"""MCP over stdin and stdout: one message per line.

While it serves, the process's own stdout is turned to stderr, so that nothing but the protocol can reach the client,
whatever a library prints; and its stdin is empty for everyone else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO

from pydantic_core import PydanticSerializationError, to_json

from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.protocol import (
    INVALID_REQUEST,
    PARSE_ERROR,
    Message,
    cancelled_id,
    error,
    is_request,
    reply,
)
from agent_memory_server.interfaces.mcp.surface import Surface

_GRACE_S = 10.0
"""How long calls that are running may go on when the client has closed its end."""

_MOST_RUNNING = 128
"""Calls at once; then reading pauses until one is answered."""

_LARGEST_LINE = 64 * 1024 * 1024


@contextmanager
def protocol_streams() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The client's ends of stdin and stdout, for us alone. To be taken before anything else may print."""
    sys.stdout.flush()
    wire_in, wire_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    # A thread may still read when this ends: the descriptor stays open, so that no other file gets its number.
    with os.fdopen(wire_out, "wb") as writer:
        yield os.fdopen(wire_in, "rb", closefd=False), writer


async def serve(surface: Surface, caller: Caller, reader: BinaryIO, writer: BinaryIO) -> None:
    """Answer until the client closes its end. Calls run side by side; answers go out as they are ready."""
    conversation = _Conversation(surface, caller, writer)
    async for line in _lines(reader):
        await conversation.take(line)
    await conversation.finish()


class _Conversation:
    """The calls that are running, and the one writer of their answers."""

    def __init__(self, surface: Surface, caller: Caller, writer: BinaryIO) -> None:
        self._surface = surface
        self._caller = caller
        self._writer = writer
        self._pen = ThreadPoolExecutor(1, thread_name_prefix="stdout")
        self._room = asyncio.Semaphore(_MOST_RUNNING)
        self._running: dict[asyncio.Task[None], object] = {}

    async def take(self, line: bytes) -> None:
        """Take a line from the client: start a call, end one, or say what is wrong with it."""
        if not line.strip():
            return
        message = _message(line)
        if message is None:
            await self._write(error(None, PARSE_ERROR, "A line is one JSON object of at most 64 MiB"))
        elif is_request(message):
            await self._room.acquire()
            task = asyncio.create_task(self._work(message))
            self._running[task] = _key(message["id"])
            task.add_done_callback(self._done)
        elif "method" in message:
            self._cancel(_key(cancelled_id(message)))
        elif not message.keys() & {"result", "error"}:
            await self._write(error(None, INVALID_REQUEST, "A message has a method"))

    async def finish(self) -> None:
        """Let running calls end, for a while; then end them."""
        if self._running:
            await asyncio.wait(self._running, timeout=_GRACE_S)
        for task in self._running:
            task.cancel()
        self._pen.shutdown(wait=False, cancel_futures=True)

    async def _work(self, message: Message) -> None:
        await self._write(await reply(self._surface, message, self._caller))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._room.release()

    def _cancel(self, key: object) -> None:
        for task, id_ in list(self._running.items()):
            if key is not None and id_ == key:
                task.cancel()

    async def _write(self, message: Message) -> None:
        line = _line(message)
        await asyncio.get_running_loop().run_in_executor(self._pen, self._put, line)

    def _put(self, line: bytes) -> None:
        try:
            self._writer.write(line)
            self._writer.flush()
        except (BrokenPipeError, ValueError):
            return  # the client is gone: its end of stdin tells the same, and ends the loop


async def _lines(reader: BinaryIO) -> AsyncIterator[bytes]:
    """Lines as they come. A thread reads: not every kind of stdin can be watched by an event loop."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.BoundedSemaphore(_MOST_RUNNING)

    def read() -> None:
        line = b"\n"
        while line:
            room.acquire()
            try:
                line = reader.readline(_LARGEST_LINE + 1)
            except (OSError, ValueError):
                line = b""
            try:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            except RuntimeError:
                return  # the loop is closed: nobody waits for lines any more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while line := await queue.get():
        room.release()
        yield line


def _key(id_: object) -> object:
    """1 and "1" are different ids; None for what is no id."""
    return (type(id_), id_) if isinstance(id_, str | int) else None


def _message(line: bytes) -> Message | None:
    if len(line) > _LARGEST_LINE:
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _line(message: Message) -> bytes:
    try:
        return to_json(message) + b"\n"
    except PydanticSerializationError:
        # Half characters that a request brought along, in an id for instance: escaped, they can be sent back.
        return json.dumps(message, default=str).encode("ascii") + b"\n"

"""Start the server on its embedded engine, store three memories, search them, and keep serving.

This is what `make run` does after the set-up: everything a visitor needs to see that it works, through the public
REST interface only. The data folder is temporary unless one is given; a temporary one is removed at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

say = functools.partial(print, flush=True)  # the lines come in their order with the server's, also through a pipe

START_LIMIT_S = 60.0
"""Loading the embedding model takes about a second; a slow, busy machine gets a minute."""

NAMESPACE = "first-run"
USER = "ada"
MEMORIES = {
    "first-run-1": "Ada is allergic to peanuts and carries an injector.",
    "first-run-2": "Ada moved from Lisbon to Vienna in March for a job at the opera.",
    "first-run-3": "Ada plays the cello and rehearses on Tuesday evenings.",
}
QUESTIONS = ("What should I avoid cooking for her?", "Which city does Ada live in now?")


def main() -> int:
    """Run the whole demonstration; 0 unless the server failed to start or gave a wrong answer."""
    options = arguments()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)  # like Ctrl-C: the server is stopped on every way out
    with contextlib.ExitStack() as stack:
        folder = options.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-memory-")))
        url = f"http://127.0.0.1:{options.port or free_port()}"
        server = stack.enter_context(serving(url, folder.resolve()))
        http = stack.enter_context(httpx2.Client(base_url=url, timeout=30.0, trust_env=False))
        try:
            wait_until_healthy(http, server)
            say(f"\nServer       {url}\nData folder  {folder.resolve()}{'' if options.data_dir else '  (temporary)'}")
            remember(http)
            found = [ask(http, question) for question in QUESTIONS]
            if not all(found):
                say("\nA question found nothing: this is not how it should be.", file=sys.stderr)
                return 1
            if options.once:
                return 0
            say(f"\nServing on {url} until Ctrl-C. API description: {url}/openapi.json")
            return server.wait()
        except KeyboardInterrupt:
            say("\nStopping.")
            return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Start the server, store three memories and search them.")
    parser.add_argument("--once", action="store_true", help="stop after the search")
    parser.add_argument("--port", type=int, help="port to listen on (default: a free one)")
    parser.add_argument("--data-dir", type=Path, help="folder to keep the data in (default: a temporary one)")
    return parser.parse_args()


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running `agent-memory api`, stopped in an orderly way at the end; its log goes to this process's stderr."""
    address = httpx2.URL(url)
    command = [str(Path(sys.executable).with_name("agent-memory")), "api"]
    command += ["--host", address.host, "--port", str(address.port)]
    # the demonstration uses the embedded engine even where the shell has a Redis configured
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    environment |= {"MEMORY_DATA_DIR": str(folder)}
    environment.setdefault("LOG_LEVEL", "WARNING")
    # a session of its own: Ctrl-C reaches this process alone, which then stops the server once
    server = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 (our own command)
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until_healthy(http: httpx2.Client, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; SystemExit with a reason when it ended or took longer than START_LIMIT_S."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"The server ended with status {server.returncode} before it answered.")
        with contextlib.suppress(httpx2.TransportError):
            if http.get("/v1/health").status_code == httpx2.codes.OK:
                return
        time.sleep(0.05)
    raise SystemExit(f"The server did not answer within {START_LIMIT_S:.0f} seconds.")


def remember(http: httpx2.Client) -> None:
    """Store the three memories; storing them again replaces them, as their ids stay the same."""
    records = [{"id": id_, "namespace": NAMESPACE, "user_id": USER, "text": text} for id_, text in MEMORIES.items()]
    http.post("/v1/long-term-memory/", json={"memories": records}).raise_for_status()
    say("\nStored")
    for text in MEMORIES.values():
        say(f"  {text}")


def ask(http: httpx2.Client, question: str) -> int:
    """Search for a question, print what was found with scores (0 to 1, higher is closer); how many there were."""
    scope = {"namespace": {"eq": NAMESPACE}, "user_id": {"eq": USER}}
    query = {"text": question, "limit": len(MEMORIES)} | scope
    answer = http.post("/v1/long-term-memory/search", json=query).raise_for_status().json()
    say(f"\nAsked  {question}")
    for memory in answer["memories"]:
        say(f"  {memory['score']:.3f}  {memory['text']}")
    return len(answer["memories"])


if __name__ == "__main__":
    sys.exit(main())

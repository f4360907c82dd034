"""A real Redis Cluster for tests: three primaries of Redis Stack, which have no coordinator, and their replicas.

`python -m tests.support.redis_cluster` starts one, prints its URL and keeps it until it is interrupted; with
`TEST_REDIS_URL` set to that URL, tests run on it. With a command behind it, that is run so, and the cluster ends then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from redis.crc import key_slot

from tests.support.redis_processes import Node, Processes, redis_processes, until
from tests.support.redis_server import free_port

PRIMARIES = 3
SLOTS = 16_384


class Cluster:
    """primaries: as they were at the start; replicas: the one of each, or none."""

    def __init__(self, processes: Processes, *, replicas: bool) -> None:
        options = ["--save", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
        nodes = [processes.start(*options, *_bus()) for _ in range(PRIMARIES * (2 if replicas else 1))]
        self.primaries, self.replicas = nodes[:PRIMARIES], nodes[PRIMARIES:]
        for number, node in enumerate(self.primaries):
            first, last = number * SLOTS // PRIMARIES, (number + 1) * SLOTS // PRIMARIES - 1
            _run(node, "CLUSTER", "ADDSLOTSRANGE", first, last)
        for number, node in enumerate(nodes):
            _run(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in nodes[1:]:
            _run(node, "CLUSTER", "MEET", "127.0.0.1", nodes[0].port, _bus_port(nodes[0]))
        until(lambda: all(self._knows(node, len(nodes)) for node in nodes), "all nodes know each other")
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            _run(replica, "CLUSTER", "REPLICATE", self.id_of(primary))
        until(lambda: all(self._whole(node) for node in nodes), "the cluster is whole")
        until(lambda: all(_follows(node) for node in self.replicas), "the replicas follow")

    @property
    def url(self) -> str:
        """Names two of the nodes."""
        return "redis+cluster://" + ",".join(node.name for node in self.primaries[:2])

    def empty(self) -> None:
        """Drop all keys and indexes."""
        for node in (*self.primaries, *self.replicas):
            if node.process.poll() is None and _run(node, "ROLE")[0] == b"master":
                node.client.flushall()

    def id_of(self, node: Node) -> str:
        """How the nodes name a node."""
        return str(_run(node, "CLUSTER", "MYID").decode())

    def indexes(self, node: Node) -> list[str]:
        """Names of the search indexes of a node."""
        return [name.decode() for name in _run(node, "FT._LIST")]

    def owner(self, slot: int) -> Node:
        """The primary that has a slot now."""
        for node in self.primaries:
            if node.process.poll() is None and any(
                low <= slot <= high for low, high in _ranges(_run(node, "CLUSTER", "NODES").decode())
            ):
                return node
        raise AssertionError(f"nobody has slot {slot}")

    def begin_move(self, slot: int, to: Node) -> Node:
        """Open a slot for its keys to be moved; where it was."""
        source = self.owner(slot)
        _run(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        _run(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(to))
        return source

    def move_keys(self, slot: int, source: Node, to: Node, *, most: int = 1_000_000) -> int:
        """Move some of its keys; how many."""
        keys = _run(source, "CLUSTER", "GETKEYSINSLOT", slot, most)
        if keys:
            _run(source, "MIGRATE", "127.0.0.1", to.port, "", 0, 10_000, "KEYS", *keys)
        return len(keys)

    def end_move(self, slot: int, source: Node, to: Node) -> None:
        """Give the slot to its new owner."""
        for node in (to, source, *self.primaries):
            _run(node, "CLUSTER", "SETSLOT", slot, "NODE", self.id_of(to))

    def move(self, slot: int, to: Node) -> None:
        """Move a slot with all of its keys."""
        source = self.begin_move(slot, to)
        while self.move_keys(slot, source, to):
            pass
        self.end_move(slot, source, to)

    def _knows(self, node: Node, count: int) -> bool:
        lines = _run(node, "CLUSTER", "NODES").decode().splitlines()
        return len(lines) == count and not any("handshake" in line for line in lines)

    def _whole(self, node: Node) -> bool:
        info = _run(node, "CLUSTER", "INFO").decode()
        return "cluster_state:ok" in info and f"cluster_slots_ok:{SLOTS}" in info


def slot_of(key: str) -> int:
    """The slot of a key."""
    return int(key_slot(key.encode()))


def _ranges(nodes: str) -> list[tuple[int, int]]:
    mine = next(line for line in nodes.splitlines() if "myself" in line)
    found = [word.split("-") for word in mine.split()[8:] if not word.startswith("[")]
    return [(int(ends[0]), int(ends[-1])) for ends in found]


def _follows(node: Node) -> bool:
    role = _run(node, "ROLE")
    return bool(role[0] == b"slave" and role[3] == b"connected")


def _bus() -> list[str]:
    return ["--cluster-port", str(free_port())]


def _bus_port(node: Node) -> int:
    found = _run(node, "CONFIG", "GET", "cluster-port")
    return int(found[b"cluster-port"])


def _run(node: Node, *words: str | bytes | int) -> Any:
    return node.client.execute_command(*words)  # type: ignore[no-untyped-call]


@contextmanager
def redis_cluster(*, replicas: bool = False) -> Iterator[Cluster]:
    """Nodes that end with the block."""
    with redis_processes() as processes:
        yield Cluster(processes, replicas=replicas)


def main() -> None:
    """Keep a cluster until an interrupt, or until a command ends."""
    with redis_cluster() as running, suppress(KeyboardInterrupt):
        if given := sys.argv[1:]:
            environment = os.environ | {"TEST_REDIS_URL": running.url}
            sys.exit(subprocess.run(given, env=environment, check=False).returncode)
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()

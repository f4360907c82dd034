"""A Redis, its replica, and sentinels that make the replica take over when the primary dies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.redis_processes import Node, redis_processes, until

SERVICE = "memory"
AT_ONCE = ("--repl-diskless-sync-delay", "0")
"""A primary that gives a new replica its data without waiting for further ones."""

_WATCH = """\
sentinel monitor {service} 127.0.0.1 {port} {quorum}
sentinel down-after-milliseconds {service} 2000
sentinel failover-timeout {service} 2000
"""


@dataclass
class Watched:
    """primary, replicas: as they were in the beginning. url: as REDIS_URL takes it."""

    primary: Node
    replicas: Sequence[Node]
    sentinels: Sequence[Node]
    url: str

    def leader(self) -> Node:
        """The server that the sentinels name."""
        _, port = asked(self.sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(node for node in (self.primary, *self.replicas) if node.port == int(port))


def asked(node: Node, *words: str) -> Any:
    """The answer of a node to a command."""
    return node.client.execute_command(*words)  # type: ignore[no-untyped-call]


def follows(replica: Node, primary: Node) -> bool:
    """Whether the replica has all that the primary has, and hears of what follows."""
    told: dict[str, Any] = primary.client.info("replication")
    offsets = [int(one["offset"]) for one in told.values() if isinstance(one, dict) and one.get("port") == replica.port]
    return any(has >= int(told["master_repl_offset"]) for has in offsets)


@contextmanager
def watched(
    *options: str,
    sentinels: int = 3,
    replicas: int = 1,
    password: str | None = None,
    of_the_sentinels: str | None = None,
) -> Iterator[Watched]:
    """Servers with these options. password: what they ask for; of_the_sentinels: what those ask for."""
    with redis_processes() as processes:
        secrets = ("--requirepass", password, "--masterauth", password) if password else ()
        primary = processes.start(*options, *secrets, *AT_ONCE, password=password)
        follow = ("--replicaof", f"127.0.0.1 {primary.port}")
        following = [processes.start(*options, *secrets, *AT_ONCE, *follow, password=password) for _ in range(replicas)]
        for node in following:
            until(lambda at=node: follows(at, primary), "the replica follows")  # type: ignore[misc]
        text = _WATCH.format(service=SERVICE, port=primary.port, quorum=sentinels // 2 + 1)
        text += f'sentinel auth-pass {SERVICE} "{password}"\n' if password else ""
        text += (
            f"requirepass {of_the_sentinels}\nsentinel sentinel-pass {of_the_sentinels}\n" if of_the_sentinels else ""
        )
        watching = [
            processes.start("--sentinel", plain=True, file=text, password=of_the_sentinels) for _ in range(sentinels)
        ]
        for node in watching:
            until(lambda at=node: _knows(at, replicas, sentinels - 1), "the sentinel knows the replica and the others")  # type: ignore[misc]
        credentials = f":{password.replace(' ', '%20')}@" if password else ""
        query = f"?sentinel_password={of_the_sentinels}" if of_the_sentinels else ""
        url = f"redis+sentinel://{credentials}{','.join(node.name for node in watching)}/{SERVICE}{query}"
        yield Watched(primary, following, watching, url)


def _knows(sentinel: Node, replicas: int, others: int) -> bool:
    known = asked(sentinel, "SENTINEL", "REPLICAS", SERVICE)
    return len(known) == replicas and len(asked(sentinel, "SENTINEL", "SENTINELS", SERVICE)) == others

"""A Redis, its replica, and sentinels that make the replica take over when the primary dies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.redis_processes import Node, redis_processes, until

SERVICE = "memory"
_WATCH = """\
sentinel monitor {service} 127.0.0.1 {port} {quorum}
sentinel down-after-milliseconds {service} 2000
sentinel failover-timeout {service} 2000
"""


@dataclass
class Watched:
    """primary, replica: as they were in the beginning. url: as REDIS_URL takes it."""

    primary: Node
    replica: Node
    sentinels: Sequence[Node]
    url: str

    @property
    def nodes(self) -> tuple[Node, Node]:
        """Both servers."""
        return self.primary, self.replica


def asked(node: Node, *words: str) -> Any:
    """The answer of a node to a command."""
    return node.client.execute_command(*words)  # type: ignore[no-untyped-call]


def follows(replica: Node, primary: Node) -> bool:
    """Whether the replica has all that the primary has, and hears of what follows."""
    told: dict[str, Any] = primary.client.info("replication")
    has = int(told.get("slave0", {}).get("offset", -1))
    role = asked(replica, "ROLE")
    return role[0] == b"slave" and role[3] == b"connected" and has >= int(told["master_repl_offset"])


@contextmanager
def watched(
    *options: str, sentinels: int = 3, password: str | None = None, of_the_sentinels: str | None = None
) -> Iterator[Watched]:
    """Servers with these options. password: what they ask for; of_the_sentinels: what those ask for."""
    with redis_processes() as processes:
        secrets = ("--requirepass", password, "--masterauth", password) if password else ()
        primary = processes.start(*options, *secrets, password=password)
        replica = processes.start(*options, *secrets, "--replicaof", f"127.0.0.1 {primary.port}", password=password)
        until(lambda: follows(replica, primary), "the replica follows")
        text = _WATCH.format(service=SERVICE, port=primary.port, quorum=sentinels // 2 + 1)
        text += f'sentinel auth-pass {SERVICE} "{password}"\n' if password else ""
        text += (
            f"requirepass {of_the_sentinels}\nsentinel sentinel-pass {of_the_sentinels}\n" if of_the_sentinels else ""
        )
        watching = [
            processes.start("--sentinel", plain=True, file=text, password=of_the_sentinels) for _ in range(sentinels)
        ]
        for node in watching:
            until(lambda at=node: _knows(at, sentinels - 1), "the sentinel knows the replica and the others")  # type: ignore[misc]
        credentials = f":{password.replace(' ', '%20')}@" if password else ""
        query = f"?sentinel_password={of_the_sentinels}" if of_the_sentinels else ""
        url = f"redis+sentinel://{credentials}{','.join(node.name for node in watching)}/{SERVICE}{query}"
        yield Watched(primary, replica, watching, url)


def _knows(sentinel: Node, others: int) -> bool:
    replicas = asked(sentinel, "SENTINEL", "REPLICAS", SERVICE)
    return len(replicas) == 1 and len(asked(sentinel, "SENTINEL", "SENTINELS", SERVICE)) == others

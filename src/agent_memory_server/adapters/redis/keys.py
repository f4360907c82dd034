"""How keys are spelt: nowhere else.

Keys that the reference server also has are spelt as it spells them. Our own begin with `agent-memory:`; those that one
script changes together share a hash tag, so that they lie in one slot of a cluster.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from urllib.parse import quote

from agent_memory_server.domain.session import SessionKey

TOKENS = "agent-memory:tokens"
"""Hash: digest of a token to the token as JSON."""

ANSWER_TIMES = "agent-memory:{answers}"
"""Sorted set: keys of kept answers by the time they expire."""

VECTORS = "agent-memory:{vectors}"
"""Hash: model and digest of a text to its vector."""

VECTOR_ORDER = "agent-memory:{vectors}:order"
"""Sorted set: fields of VECTORS by the number of their storing."""

VECTOR_NUMBER = "agent-memory:{vectors}:number"
"""The number given last."""

DECISIONS = "agent-memory:{decisions}"
"""Hash: digest of a question to a chat model to its sealed answer."""

DECISION_ORDER = "agent-memory:{decisions}:order"
"""Sorted set: fields of DECISIONS by the number of their storing."""

DECISION_NUMBER = "agent-memory:{decisions}:number"
"""The number given last."""

DECISION_LOG = "agent-memory:{decision_log}"
"""Stream: the newest decisions about memories, as JSON."""

REFERENCE_TOKENS = "auth_tokens:list"
"""Set of the reference server: hashes of its tokens."""


def answer(subject: str, key: str) -> str:
    """Hash: the answer kept for a subject and an idempotency key, whatever characters these hold."""
    parts = [subject.encode("utf-8", "surrogatepass"), key.encode("utf-8", "surrogatepass")]
    digest = hashlib.sha256(len(parts[0]).to_bytes(8, "big") + parts[0] + parts[1]).hexdigest()
    return f"agent-memory:{{answers}}:{digest}"


def vector_field(model: str, digest: bytes) -> bytes:
    """The field of VECTORS for a text's digest (32 bytes) under a model."""
    return digest + model.encode()


_HEX = "agent-memory:hex:"


def record(prefix: str, id_: str) -> str:
    """Hash: a long-term record, as the reference server keeps it. prefix: without the colon.

    The index cannot read a key with a NUL: such an id is spelt in hex digits, and so is one that looks like that.
    """
    if "\0" in id_ or id_.startswith(_HEX):
        id_ = _HEX + id_.encode().hex()
    return f"{prefix}:{id_}"


def record_id(prefix: str, key: str) -> str:
    """The id that the key of a record spells; "" for a key that spells none."""
    id_ = key.removeprefix(f"{prefix}:")
    if not id_.startswith(_HEX):
        return id_
    try:
        return bytes.fromhex(id_.removeprefix(_HEX)).decode()
    except ValueError:
        return id_


def adoption(prefix: str) -> str:
    """Hash: how far the records of another server under a prefix are taken over (see `adoption`)."""
    return f"agent-memory:{{adoption}}:{prefix}"


def adoption_lease(prefix: str) -> str:
    """String: who takes them over now."""
    return f"{adoption(prefix)}:lease"


def rebuild_lease(index: str) -> str:
    """String: who makes this index again now."""
    return f"agent-memory:rebuild:{index}"


def access(record_key: str) -> str:
    """Hash: the last access to a record (`l`) and how many there were (`c`), outside the index, so that noting one
    re-indexes nothing. In the record's slot."""
    return f"agent-memory:access:{{{beside(record_key)}}}{record_key}"


def _tag(key: str) -> str:
    """What of a key decides its slot."""
    start = key.find("{")
    end = key.find("}", start + 1)
    return key if start < 0 or end < 0 or end == start + 1 else key[start + 1 : end]


@lru_cache(maxsize=4_096)
def beside(key: str) -> str:
    """A hash tag whose keys lie in the slot of this key, whatever braces that holds."""
    tag = _tag(key)
    return tag if "{" not in tag and "}" not in tag and tag else tag_of_slot(_slot(tag))


SLOTS = 16_384
"""Of a Redis Cluster."""


def slot_of(key: str) -> int:
    """The slot of a key."""
    return _slot(_tag(key))


@lru_cache(maxsize=64)
def tag_of_slot(slot: int) -> str:
    """A hash tag whose keys lie in a slot."""
    return next(str(number) for number in count() if _slot(str(number)) == slot)


def _slot(tag: str) -> int:
    return binascii.crc_hqx(tag.encode("utf-8", "surrogatepass"), 0) % SLOTS


CHANGES = "agent-memory:changes"
"""Stream: what was stored and deleted last among the records (`changes`)."""

MODEL = "agent-memory:model"
"""Hash: the embedding model of the stored vectors and their dimensions."""

PROBE = "agent-memory:probe"
"""String: written to see whether writing is possible."""


def chat_tokens(day: str) -> str:
    """Counter: tokens of chat models on a day."""
    return f"agent-memory:chat-tokens:{day}"


def parts_digest(key: SessionKey) -> str:
    """32 hex digits for the three parts of a session's key."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (key.namespace, key.user_id, key.session_id)]
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


_APART = "agent-memory:"
_MARKERS = ("migration:complete", "migration:remaining")


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Where a session is; all in one slot.

    home:      JSON: where the reference server has it. Parts that are empty are left out there, so sessions of several
               keys meet in one name; the first of them has it. The document's own ids tell whose it is.
    apart:     JSON: where a session is whose home is another's, or a name that is none. Equal to home in the latter
               case.
    positions: hash: message id to its place in the document.
    unread:    sorted set: ids of messages that extraction has not read, by that place.
    folded:    hash: id of a message that the summary took the place of, to a digest of what it told.
    """

    home: str
    apart: str
    positions: str
    unread: str
    folded: str

    @property
    def all(self) -> list[str]:
        """In the order in which the scripts take them."""
        return [self.home, self.apart, self.positions, self.unread, self.folded]


def session(prefix: str, key: SessionKey) -> SessionKeys:
    """The keys of a session. prefix: with its colon."""
    name = ":".join(part for part in (key.namespace, key.user_id, key.session_id) if part)
    digest = parts_digest(key)
    # The index cannot read a key with a NUL, and the reference server keeps marks of its own under two of the names.
    usable = "\0" not in name and name not in ("", *_MARKERS) and not name.startswith(_APART)
    tag = beside(prefix + name) if usable else digest
    apart = f"{prefix}{_APART}{{{tag}}}{digest}"
    companion = f"agent-memory:session:{{{tag}}}{digest}"
    home = prefix + name if usable else apart
    return SessionKeys(home, apart, f"{companion}:positions", f"{companion}:unread", f"{companion}:folded")


OWING = "agent-memory:{owing}"
"""Sorted set: what sessions owe the long-term records (`owing`), by when it was announced."""

OWING_GONE = "agent-memory:{owing}:gone"
"""Sorted set: ids of records that were deleted while something was owed, by when."""


def owed_records(session_home: str) -> str:
    """Hash: changes of records that go with a change of a session, by a name; in the session's slot."""
    return f"agent-memory:owed:{{{beside(session_home)}}}"


BURIED = "agent-memory:{buried}"
"""Sorted set, all scores 0: what is left of deleted memories (`domain.burial`)."""

BURIED_ORDER = "agent-memory:{buried}:order"
"""List: members of BURIED, the oldest first."""

BURIED_NUMBER = "agent-memory:{buried}:number"
"""How often something was added to BURIED."""

_QUEUE = (
    "number",
    "jobs",
    "due",
    "leases",
    "dead",
    "waiting",
    "running",
    "given-up",
    "groups",
    "parked",
    "workers",
    "bell",
)


def queue(name: str) -> list[str]:
    """The keys of a queue, in the order that its script names them; all in one slot. name: without braces."""
    return [f"agent-memory:{{{name}}}:{part}" for part in _QUEUE]


VIEWS = "summary_view:index"
"""Set: ids of the summary views."""

TASKS = "agent-memory:{tasks}"
"""Sorted set: ids of tasks by the time they expire."""

UNFINISHED_TASKS = "agent-memory:{tasks}:unfinished"
"""Set: ids of tasks that may be pending or running."""


def view(view_id: str) -> str:
    """String: a summary view as JSON."""
    return f"summary_view:{view_id}:config"


def view_partitions(view_id: str) -> str:
    """Set: names of the partitions of a view that this server stored."""
    return f"agent-memory:partitions:{view_id}"


def view_partition(view_id: str, partition: str) -> str:
    """String: the summary of a partition as JSON. partition: `partition_name`, or a pattern."""
    return f"summary_view:{view_id}:summary:{partition}"


def partition_name(group: Mapping[str, str]) -> str:
    """How the reference server names a group of records."""
    return "|".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(group.items()))


def literally(text: str) -> str:
    """A text as a pattern of SCAN takes it."""
    return "".join(f"\\{letter}" if letter in r"\*?[]^" else letter for letter in text)


def task(task_id: str) -> str:
    """String: a task as JSON."""
    return f"task:{task_id}"

"""One change of one record, as the script `change_records` takes it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_memory_server.adapters.redis.record_fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """expected: the revision that was read, None where no record was. fields: what to set, empty to delete the record.
    unique: a query for records with the same content, of which there may be no other by then. numbered: whether the
    record comes behind all others of its place in the order of storing. last: taken after all others, where not all can
    be taken at once."""

    id: str
    expected: int | None
    fields: Fields = field(default_factory=dict)
    drop: Sequence[str] = ()
    unique: str = ""
    forget_access: bool = False
    numbered: bool = False
    last: bool = False

    def arguments(self, *, number: str = "1") -> list[str | bytes]:
        """Words of the script. number: the one that a record gets that comes behind all others; "1": a new one."""
        words: list[str | bytes] = [self.id, self.fields.get("namespace", ""), self.fields.get("user_id", "")]
        words += ["" if self.expected is None else str(self.expected), self.unique]
        words += ["1" if self.forget_access else "0", number if self.numbered else "0", str(len(self.fields))]
        for name, value in self.fields.items():
            words += (name, value)
        return [*words, str(len(self.drop)), *self.drop]


def steps_text(steps: Sequence[Step]) -> str:
    """Steps as they are kept until they are taken: JSON."""
    return json.dumps([_told(step) for step in steps])


def _told(step: Step) -> dict[str, object]:
    texts = {name: value for name, value in step.fields.items() if isinstance(value, str)}
    blobs = {name: value for name, value in step.fields.items() if isinstance(value, bytes)}
    return {
        "id": step.id,
        "expected": step.expected,
        "texts": texts,
        "blobs": {name: base64.b64encode(value).decode() for name, value in blobs.items()},
        "drop": list(step.drop),
        "forget_access": step.forget_access,
        "numbered": step.numbered,
        "last": step.last,
    }


def steps_from(text: bytes) -> list[Step]:
    """The steps of a text of `steps_text`. Whether equal content is there was asked before."""
    return [
        Step(
            id=told["id"],
            expected=told["expected"],
            fields=told["texts"] | {name: base64.b64decode(value) for name, value in told["blobs"].items()},
            drop=told["drop"],
            forget_access=told["forget_access"],
            numbered=told["numbered"],
            last=told["last"],
        )
        for told in json.loads(text)
    ]

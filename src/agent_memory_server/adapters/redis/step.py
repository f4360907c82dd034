"""One change of one record, as the script `change_records` takes it."""

from __future__ import annotations

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

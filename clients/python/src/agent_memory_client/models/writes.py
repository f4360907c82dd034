"""Creating, changing and acknowledging long-term records."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from agent_memory_client.models.enums import MemoryTypeEnum, OutcomeCause, WriteStatus
from agent_memory_client.models.fields import (
    Flag,
    Labels,
    LongText,
    ScopeValue,
    StrictRequest,
    UtcDatetime,
    WireModel,
    absent,
)
from agent_memory_client.models.limits import MAX_RECORDS
from agent_memory_client.models.records import RESULT_MEMBERS, ExtractedMemoryRecord, MemoryRecord


class CreateMemoryRecordRequest(StrictRequest):
    """Records to store. Of two with one id the later one ends up stored."""

    memories: Annotated[list[ExtractedMemoryRecord], Field(max_length=MAX_RECORDS)]
    deduplicate: Flag = True
    """whether a record whose content is there already is left out, and one with nearly the same meaning merged"""


class WriteOutcome(WireModel):
    """What became of one record of a create request."""

    id: str
    """where the record's content is now: the id that was sent, or of a duplicate the id of the record that was there"""
    status: WriteStatus
    given_id: str | None = Field(default=None, exclude_if=absent)
    """the id that was sent, where the content is under another one"""
    because: OutcomeCause | None = Field(default=None, exclude_if=absent)
    """why it is no new record: what was there already, or came later in the request"""
    reason: str | None = Field(default=None, exclude_if=absent)
    """why the record was not stored, in words"""
    embedded: bool | None = Field(default=None, exclude_if=absent)
    """false while the record waits for its vector: it is found by its words and filters, not yet by its meaning"""


class AckResponse(WireModel):
    """A request was carried out. `items`, in the order of the request, tell the outcome of each record."""

    status: str
    items: list[WriteOutcome] | None = Field(default=None, exclude_if=absent)


class EditMemoryRecordRequest(StrictRequest):
    """Changes to a record. null means unchanged; an empty list clears a list, an empty string a scope value.

    An empty text passes here: the server refuses it with a status of its own (400). Members of a record that cannot
    be edited are ignored, so that a whole record may be sent back; unknown members are refused.
    """

    text: LongText | None = None
    topics: Labels | None = None
    entities: Labels | None = None
    memory_type: MemoryTypeEnum | None = None
    namespace: ScopeValue | None = None
    user_id: ScopeValue | None = None
    session_id: ScopeValue | None = None
    event_date: UtcDatetime | None = None
    pinned: Flag | None = None

    @model_validator(mode="before")
    @classmethod
    def _ignore_fixed_members(cls, value: Any) -> Any:
        if isinstance(value, dict):
            fixed = (MemoryRecord.model_fields.keys() | RESULT_MEMBERS) - cls.model_fields.keys()
            return {name: member for name, member in value.items() if name not in fixed}
        return value

    def changes(self) -> dict[str, Any]:
        """The members that ask for a change, by name. Empty when there is nothing to do."""
        return {name: member for name, member in self if member is not None}

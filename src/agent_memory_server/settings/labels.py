"""What an operator can set about topics and entities of records that lack them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False)


class LabelSettings(BaseModel):
    """Topics and entities, found by FAST_MODEL for records that lack them."""

    model_config = _CONFIG

    topics: bool = Field(
        True, alias="ENABLE_TOPIC_EXTRACTION", description="FAST_MODEL finds topics of records that have none."
    )
    most_topics: int = Field(
        3, ge=1, le=50, alias="TOP_K_TOPICS", description="Topics that a chat model may give to a record."
    )
    entities: bool = Field(
        True, alias="ENABLE_NER", description="FAST_MODEL finds the people, places and things that a record names."
    )

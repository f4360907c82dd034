"""What an operator can set about a store of another package."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

REFERENCE_FACTORY = "agent_memory_server.memory_vector_db_factory.create_redis_memory_vector_db"
"""What the reference server has as a default: the engine that would be chosen anyway."""


class PluggedSettings(BaseModel):
    """A store of another package."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False
    )

    vector_db_factory: str | None = Field(
        None,
        pattern=r"^\w+(\.\w+)+$",
        alias="MEMORY_VECTOR_DB_FACTORY",
        description="Keeps long-term records in a store of another package: a dotted path to a function that takes the "
        "embedder and returns a `MemoryStore`. The default of the reference server means the engine chosen here.",
    )

    @property
    def factory(self) -> str | None:
        """The path to a factory of another package, if one is named."""
        return None if self.vector_db_factory == REFERENCE_FACTORY else self.vector_db_factory

"""What an operator can set about the embedded engine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator


def _user_data() -> Path:
    return platformdirs.user_data_path("agent-memory-server", appauthor=False)


class StorageSettings(BaseModel):
    """The data folder and how it is written."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False
    )

    data_dir: Path = Field(
        default_factory=_user_data,
        alias="MEMORY_DATA_DIR",
        description="Folder that holds the database; made when it is missing. Must be on a local disk.",
        json_schema_extra={"default": "`agent-memory-server` in the user-data folder of the platform"},
    )
    durability: Literal["full", "normal"] = Field(
        "full",
        alias="MEMORY_DURABILITY",
        description="`full`: an acknowledged write survives a power failure. `normal`: it survives a crash of the "
        "process; the last writes may be lost when the power fails.",
    )
    vector_cache_mb: int = Field(
        128,
        ge=0,
        le=1_048_576,
        alias="VECTOR_CACHE_MB",
        description="Memory for vectors and words of the users searched last, in MiB. On Redis a search of more is "
        "answered with candidates of Redis's own index; 1 MiB holds 490 memories of 384 dimensions. 0 keeps nothing.",
    )

    @field_validator("data_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

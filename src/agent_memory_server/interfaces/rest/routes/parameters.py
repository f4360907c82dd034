"""Parameters that several routes share. Those of routes that delete refuse what they do not know: a misspelt
`namespace` must not make a request mean every namespace."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

from agent_memory_client.models.fields import Id, ModelName, ScopeValue
from agent_memory_client.models.limits import MAX_INT

SessionId: TypeAlias = Annotated[Id, Path(description="1 to 512 characters, without `/`.")]
MemoryId: TypeAlias = Annotated[Id, Path(description="1 to 512 characters, without `/`.")]

Namespace: TypeAlias = Annotated[ScopeValue | None, Query(description="Exact; absent or empty means not given.")]
UserId: TypeAlias = Annotated[ScopeValue | None, Query(description="Exact; absent or empty means not given.")]
Model: TypeAlias = Annotated[
    ModelName | None, Query(description="The model the session is for; any name. Its context window limits the answer.")
]
ContextWindow: TypeAlias = Annotated[
    int | None, Query(ge=0, le=MAX_INT, description="Tokens, over the model's own window; 0 means not given.")
]
OptimizeQuery: TypeAlias = Annotated[
    bool,
    Query(description="A chat model rewrites the text first (semantic mode); without one it is searched as it is."),
]


class StrictQuery(BaseModel):
    """A query string in which an unknown parameter is an error."""

    model_config = ConfigDict(extra="forbid")


class PlaceQuery(StrictQuery):
    """Which namespace and user a request means; exact values."""

    namespace: ScopeValue | None = None
    user_id: ScopeValue | None = None

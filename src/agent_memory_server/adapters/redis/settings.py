"""What an operator can set about the Redis engine. Imports nothing of Redis: every start reads it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


ClusterSearch = Literal["auto", "shards", "coordinator"]
Metric = Annotated[Literal["COSINE", "IP", "L2"], BeforeValidator(_upper)]
Algorithm = Annotated[Literal["HNSW", "FLAT"], BeforeValidator(_upper)]


class RedisSettings(BaseModel):
    """Where Redis is, how its keys and indices are called, and how long to wait for it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, allow_inf_nan=False
    )

    url: str | None = Field(
        None,
        min_length=1,
        alias="REDIS_URL",
        description="Keeps everything in this Redis (Redis 8, or Redis Stack 7.4) instead of the data folder: "
        "`redis://`, `rediss://` (TLS), `unix://`, or `redis+sentinel://`. User and password stand before the host.",
    )
    index_name: str = Field(
        "memory_records", min_length=1, alias="REDISVL_INDEX_NAME", description="Name of the index over memories."
    )
    index_prefix: str = Field(
        "memory_idx",
        min_length=1,
        alias="REDISVL_INDEX_PREFIX",
        description="Prefix of the keys of memories, without the colon behind it.",
    )
    distance_metric: Metric = Field(
        "COSINE",
        alias="REDISVL_DISTANCE_METRIC",
        description="Metric of a new index. Vectors have unit length, and searches rank by cosine whatever it is.",
    )
    algorithm: Algorithm = Field(
        "HNSW",
        alias="REDISVL_INDEXING_ALGORITHM",
        description="Kind of a new index: `HNSW`, or `FLAT`, which costs less to write and compares every vector. "
        "Searches of up to VECTOR_CACHE_MB are ranked in the server's memory and use neither.",
    )
    m: int = Field(
        8, ge=2, le=512, alias="REDIS_HNSW_M", description="Edges of a record in the graph of a new `HNSW` index."
    )
    ef_construction: int = Field(
        32,
        ge=1,
        le=4_096,
        alias="REDIS_HNSW_EF_CONSTRUCTION",
        description="Records that a new `HNSW` index compares to place one: most of what storing a memory costs Redis.",
    )
    ef_runtime: int = Field(
        1_000,
        ge=1,
        le=4_096,
        alias="REDIS_HNSW_EF_RUNTIME",
        description="Records that an `HNSW` index compares in a search too wide for the server's memory.",
    )
    index_text: bool = Field(
        False,
        alias="REDIS_INDEX_TEXT",
        description="Whether a new index also reads texts, for the Redis Agent Memory Server to search by words in the "
        "same database: 200 bytes more for a memory of 100 characters. Searches of this server do not need it.",
    )
    vector_dimensions: int | None = Field(
        None,
        ge=1,
        alias="REDISVL_VECTOR_DIMENSIONS",
        description="Floats per vector of an embedding model that nothing else tells them of; EMBEDDING_DIMENSIONS "
        "wins.",
    )
    session_index_name: str = Field(
        "working_memory_idx",
        min_length=1,
        alias="WORKING_MEMORY_INDEX_NAME",
        description="Name of the index over sessions.",
    )
    session_index_prefix: str = Field(
        "working_memory:",
        min_length=1,
        alias="WORKING_MEMORY_INDEX_PREFIX",
        description="Prefix of the keys of sessions, with the colon behind it.",
    )
    sessions_migrated: bool = Field(
        False,
        alias="WORKING_MEMORY_MIGRATION_COMPLETE",
        description="Accepted. Sessions kept as text are read and converted when they are met, whatever it says.",
    )
    connections: int = Field(
        50,
        ge=1,
        le=10_000,
        alias="REDIS_MAX_CONNECTIONS",
        description="Connections to Redis of one process at the same time; further commands wait.",
    )
    cluster_search: ClusterSearch = Field(
        "auto",
        alias="REDIS_CLUSTER_SEARCH",
        description="How a Redis Cluster is searched. `shards`: all primaries are asked, which is right everywhere. "
        "`coordinator`: one is asked, which asks the others (Redis 8). `auto`: the latter where every node shows that "
        "it does so. `agent-memory doctor` tells which way is in use, and checks it.",
    )
    pool_wait_s: float = Field(
        5.0,
        gt=0,
        alias="REDIS_POOL_WAIT_SECONDS",
        description="How long a command waits for a free connection before it fails.",
    )
    connect_s: float = Field(
        3.0, gt=0, alias="REDIS_CONNECT_TIMEOUT_SECONDS", description="How long opening a connection may take."
    )
    answer_s: float = Field(
        10.0,
        ge=6,
        alias="REDIS_TIMEOUT_SECONDS",
        description="How long the answer to one command may take. Waiting for background work takes up to 5 s.",
    )
    retries: int = Field(
        2,
        ge=0,
        le=100,
        alias="REDIS_RETRIES",
        description="Further tries of a command whose connection broke. No write of this server is done twice by it.",
    )
    wait_replicas: int = Field(
        0,
        ge=0,
        le=10,
        alias="REDIS_WAIT_REPLICAS",
        description="Replicas that confirm a write (`WAIT`) before this server acknowledges it, so that a failover "
        "loses none; with too few of them writes fail with 503. Not on a cluster.",
    )
    wait_s: float = Field(2.0, gt=0, le=5, alias="REDIS_WAIT_SECONDS", description="How long these replicas may take.")
    adoption_wait_s: float = Field(
        5.0,
        ge=0,
        alias="REDIS_ADOPTION_WAIT_SECONDS",
        description="How long a request that names no user waits while memories of another server are taken over.",
    )

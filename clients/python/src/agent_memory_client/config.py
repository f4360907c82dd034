"""How a client reaches its server."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from agent_memory_client.exceptions import MemoryValidationError


class ClientOptions(TypedDict, total=False):
    """The members of MemoryClientConfig beside base_url, as keywords of the client itself."""

    timeout: float
    default_namespace: str | None
    default_model_name: str | None
    default_context_window_max: int | None
    token: str | None
    headers: dict[str, str]
    retries: int
    retry_delay: float
    max_retry_delay: float


class MemoryClientConfig(BaseModel):
    """Where the server is, what to send along, and how patient to be.

    base_url:    scheme, host, port and any path in front of `/v1`.
    timeout:     seconds for one attempt of a request, connecting included.
    token:       sent as `Authorization: Bearer`; never shown by repr.
    headers:     further headers of every request.
    retries:     attempts after the first one; 0 never tries again. Only what is safe to repeat is repeated.
    retry_delay: seconds before the first repetition, doubled for each further one and spread by chance. A server that
                 says how long to wait is believed, up to `max_retry_delay`.
    default_…:   used where a call does not say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    default_namespace: str | None = None
    default_model_name: str | None = None
    default_context_window_max: int | None = None
    token: Annotated[str | None, Field(repr=False)] = None
    headers: Annotated[dict[str, str], Field(repr=False)] = Field(default_factory=dict)
    retries: Annotated[int, Field(ge=0)] = 2
    retry_delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.2
    max_retry_delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0


def config_of(config: MemoryClientConfig | None, base_url: str | None, options: ClientOptions) -> MemoryClientConfig:
    """The configuration of a client that is given either one as a whole or its parts.

    Raises: MemoryValidationError, when both or neither are given, or a part is not valid.
    """
    if config is not None:
        if base_url is not None or options:
            raise MemoryValidationError("give either a MemoryClientConfig or its members as keywords, not both")
        return config
    if base_url is None:
        raise MemoryValidationError("give the address of the server: MemoryAPIClient(base_url=...)")
    try:
        return MemoryClientConfig.model_validate({"base_url": base_url, **options})
    except ValidationError as exc:
        # Without the values: one of them may be the token.
        told = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in exc.errors(include_input=False)]
        raise MemoryValidationError("; ".join(told)) from None

"""Requests made up by a machine from the API's own description: no fault of the server, every answer as described.

FUZZ_EXAMPLES: examples for each route; the default is small, for every run of the suite.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from tests.support.http import listening
from tests.support.rest import application

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
LONGEST_QUERY = 16_000
"""The HTTP parser in front of the application refuses request lines of 64 KiB, escapes included, in its own words."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

description = schemathesis.openapi.from_dict(
    create_app(lambda: application(Path("never opened")), RestOptions()).openapi()
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, listening(Path(folder)) as url:
        yield url


@description.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_made_up_requests_get_described_answers(case: schemathesis.Case[Any], address: str) -> None:
    assume(len(repr(case.query)) < LONGEST_QUERY)
    case.call_and_validate(base_url=address, checks=CHECKS)

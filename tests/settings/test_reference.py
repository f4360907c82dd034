"""The reference page lists every setting, as it is declared."""

from __future__ import annotations

import re

import pytest

from agent_memory_server.settings.names import OUR_PREFIXES
from agent_memory_server.settings.variables import Variable, variables
from scripts.settings_reference import PAGE, rendered

TEXT = PAGE.read_text("utf-8")


def test_the_tables_of_the_page_are_those_of_the_declarations() -> None:
    assert rendered(TEXT) == TEXT, "run scripts/settings_reference.py"


@pytest.mark.parametrize("variable", variables().values(), ids=lambda variable: variable.name)
def test_a_setting_is_described(variable: Variable) -> None:
    assert variable.info.description
    assert re.search(rf"^\| `{variable.name}` \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("prefix", OUR_PREFIXES)
def test_a_prefix_that_stops_the_start_is_named(prefix: str) -> None:
    assert f"`{prefix}`" in TEXT

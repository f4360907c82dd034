"""The reference page of the format lists every limit with its value."""

from __future__ import annotations

import re
from pathlib import Path

from agent_memory_client.models import limits

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "wire-format.md"


def test_every_limit_is_documented_with_its_value() -> None:
    rows = re.findall(r"^\| `(MAX_\w+)` \| ([\d,]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    documented = {name: float(value.replace(",", "")) for name, value in rows}
    assert documented == {name: float(value) for name, value in vars(limits).items() if name.startswith("MAX_")}

"""Write the tables of docs/reference/settings.md from the settings' declarations. A test checks that they agree."""

from __future__ import annotations

import re
from pathlib import Path

from agent_memory_server.settings.reference import tables

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/settings.md"


def rendered(page: str) -> str:
    """The page with both generated parts replaced by what is declared now."""
    for name, planned in (("effective", False), ("planned", True)):
        block = "\n".join(tables(planned=planned))
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        page, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{block}{end}", page, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{PAGE} must hold one part from {begin} to {end}")
    return page


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")

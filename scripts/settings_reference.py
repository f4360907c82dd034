"""Write the tables of docs/reference/settings.md from the settings' declarations. A test checks that they agree."""

from __future__ import annotations

from pathlib import Path

from agent_memory_server.settings.reference import tables

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/settings.md"


def rendered(page: str) -> str:
    """The page with both generated parts replaced by what is declared now."""
    for name, planned in (("effective", False), ("planned", True)):
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise SystemExit(f"{PAGE} must hold a part from {begin} to {end}")
        page = "\n".join((before + begin, *tables(planned=planned), end + after))
    return page


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")

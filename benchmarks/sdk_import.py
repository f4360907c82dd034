"""What importing the Python client costs a program, less the start of the interpreter itself."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = {
    "package": "import agent_memory_client",
    "wire format": "import agent_memory_client.models",
    "client": "from agent_memory_client import MemoryAPIClient",
    "its libraries alone": "import httpx2, pydantic",
}


def _run(program: str) -> tuple[float, float]:
    """Wall and processor time of an interpreter that runs a program, in ms."""
    began, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - programs of this module
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (time.perf_counter() - began) * 1000, cpu * 1000


def main() -> None:
    """Take each program and an empty one in turns, and print the medians of the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for _ in range(options.runs):
        nothing = _run("pass")
        for name, program in PROGRAMS.items():
            wall, cpu = _run(program)
            costs[name].append((wall - nothing[0], cpu - nothing[1]))
    result = {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in found), 1),
            "cpu_ms": round(statistics.median(cpu for _, cpu in found), 1),
        }
        for name, found in costs.items()
    }
    print(json.dumps({**result, "runs": options.runs}, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

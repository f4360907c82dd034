"""Make the synchronous client from the text of the asynchronous one: `python scripts/sync_client.py [FOLDER]`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "clients/python/src/agent_memory_client"
NAMES = {
    "_async": "_sync",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncClient": "Client",
    "MemoryAPIClient": "SyncMemoryAPIClient",
    "aclose": "close",
    "asyncio": "time",
    "create_memory_client": "create_sync_memory_client",
}
_WORDS = [
    (re.compile(r"\bawait "), ""),
    (re.compile(r"\basync (for|with)\b"), r"\1"),
    (re.compile(r"\bAn asynchronous\b"), "A synchronous"),
    (re.compile(r"(?<!Sync)\bMemoryAPIClient\b"), "SyncMemoryAPIClient"),
    (re.compile(r"\bcreate_memory_client\b"), "create_sync_memory_client"),
]
"""What stands in docstrings and their examples, which unasync leaves alone."""


def generate(target: Path) -> None:
    """Write the synchronous modules into a folder that is new or replaced."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source = work / "_async"
        shutil.copytree(PACKAGE / "_async", source, ignore=shutil.ignore_patterns("__pycache__"))
        rule = unasync.Rule(f"{source}/", f"{work / '_sync'}/", additional_replacements=NAMES)
        modules = sorted(source.glob("*.py"))
        unasync.unasync_files([str(module) for module in modules if module.name != "__init__.py"], [rule])
        made = work / "_sync"
        (made / "__init__.py").write_text(
            '"""The synchronous client, made from the asynchronous one by scripts/sync_client.py: change that one."""\n'
        )
        for module in sorted(made.glob("*.py")):
            text = module.read_text("utf-8")
            for pattern, replacement in _WORDS:
                text = pattern.sub(replacement, text)
            module.write_text(text, "utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        config = ["--config", str(ROOT / "pyproject.toml")]
        for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
            subprocess.run([*ruff, *command, *config, str(made)], check=True)  # noqa: S603 - our own arguments
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE / "_sync")

"""Write what the TypeScript client takes from this repository: `src/generated/api.ts` and `src/generated/tools.ts`.

    .venv/bin/python scripts/typescript_sources.py [FOLDER]

FOLDER holds `node_modules` (`npm ci` in `clients/typescript`, which is the default). The API's types are made from the
OpenAPI document that the server would serve, the tools from the Python client's catalogue: one definition for both.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from agent_memory_client.tool_catalogue import all_schemas
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.application import Application

CLIENT = Path(__file__).resolve().parent.parent / "clients" / "typescript"


def _never_opened() -> AbstractAsyncContextManager[Application]:
    raise RuntimeError("describing the API opens nothing")


def write_types(packages: Path, target: Path) -> None:
    """The types of the OpenAPI document. packages: the folder of `node_modules`."""
    document = create_app(_never_opened, RestOptions()).openapi()
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "openapi.json"
        described.write_text(json.dumps(document), "utf-8")
        tool = packages / "node_modules" / ".bin" / "openapi-typescript"
        options = ["--root-types", "--root-types-no-schema-prefix"]
        line = [str(tool), str(described), "--output", str(target), *options]
        subprocess.run(line, check=True, capture_output=True, text=True, timeout=120)  # noqa: S603 - a locked package


def tools() -> str:
    """The source of `tools.ts`."""
    catalogue = {}
    for schema in all_schemas("openai"):
        function = schema.to_dict()["function"]
        catalogue[function["name"]] = {
            "description": function["description"],
            "parameters": function["parameters"],
        }
    written = json.dumps(catalogue, indent=2, ensure_ascii=False)
    head = "// Generated from the Python client's tools: one definition for both."
    return f"{head}\n\nexport const TOOLS = {written} as const;\n"


def main() -> None:
    """Write both files into the client's sources."""
    packages = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIENT
    generated = CLIENT / "src" / "generated"
    write_types(packages, generated / "api.ts")
    (generated / "tools.ts").write_text(tools(), "utf-8")


if __name__ == "__main__":
    main()

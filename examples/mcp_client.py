"""A client of the Model Context Protocol: lists the server's tools, stores a memory and finds it again.

    python examples/mcp_client.py "Ada prefers window seats." "Where does Ada sit?"

This is what a desktop assistant does for its model. Needs the package `mcp`, which the server brings along.
"""

from __future__ import annotations

import argparse
import asyncio

from mcp import Client
from replies import URL


async def main(fact: str, question: str, user: str) -> None:
    """Store the fact and ask the question, as a model would."""
    async with Client(f"{URL}/mcp") as client:
        tools = await client.list_tools()
        print("tools:", ", ".join(sorted(tool.name for tool in tools.tools)))
        memory = {"text": fact, "user_id": user, "memory_type": "semantic"}
        await client.call_tool("create_long_term_memories", {"memories": [memory]})
        found = await client.call_tool("search_long_term_memory", {"text": question, "user_id": {"eq": user}})
        for each in (found.structured_content or {}).get("memories", []):
            print("found:", each["text"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Store a memory and find it, over MCP.")
    parser.add_argument("fact")
    parser.add_argument("question")
    parser.add_argument("--user", default="ada")
    given = parser.parse_args()
    asyncio.run(main(given.fact, given.question, given.user))

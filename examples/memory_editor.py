"""A memory editor: see what is remembered about a user, and correct it.

    python examples/memory_editor.py --user ada

Commands: `add TEXT`, `find TEXT`, `list`, `edit NUMBER TEXT`, `delete NUMBER`, `quit`. Numbers are those of the last
listing. An edit names the revision it saw, so that it never overwrites what another program wrote meanwhile.
"""

from __future__ import annotations

import argparse

from replies import URL, lines

from agent_memory_client import MemoryClientError, SyncMemoryAPIClient
from agent_memory_client.models import MemoryRecord


class Editor:
    """The memories of one user, as they were listed last."""

    def __init__(self, client: SyncMemoryAPIClient, user: str) -> None:
        self._client = client
        self._user = user
        self._listed: list[MemoryRecord] = []

    def run(self, line: str) -> str:
        """Carry one command out; what is to be shown."""
        command, _, rest = line.partition(" ")
        if command == "add" and rest:
            self._client.create_long_term_memory([{"text": rest, "user_id": self._user}])
            return "remembered"
        if command == "find" and rest:
            found = self._client.search_long_term_memory(rest, search_mode="hybrid", user_id=self._user, limit=10)
            return self._show(list(found.memories))
        if command == "list":
            return self._show(list(self._client.list_all_long_term_memories(user_id=self._user)))
        if command in {"edit", "delete"}:
            return self._change(command, rest)
        return "commands: add TEXT, find TEXT, list, edit NUMBER TEXT, delete NUMBER, quit"

    def _change(self, command: str, rest: str) -> str:
        number, _, text = rest.partition(" ")
        if not number.isdecimal() or not 1 <= int(number) <= len(self._listed):
            return f"no memory has the number {number!r}; list them first"
        record = self._listed[int(number) - 1]
        if command == "delete":
            return self._client.delete_long_term_memories([record.id]).status
        if not text:
            return "write the new text behind the number"
        changed = self._client.edit_long_term_memory(record.id, {"text": text}, if_revision=record.revision)
        self._listed[int(number) - 1] = changed
        return f"now: {changed.text}"

    def _show(self, records: list[MemoryRecord]) -> str:
        self._listed = records
        return "\n".join(f"{number}. {record.text}" for number, record in enumerate(records, 1)) or "nothing"


def main() -> None:
    """Carry commands out until the input ends."""
    parser = argparse.ArgumentParser(description="See and correct what is remembered about a user.")
    parser.add_argument("--user", default="ada")
    user = parser.parse_args().user
    with SyncMemoryAPIClient(base_url=URL) as client:
        editor = Editor(client, user)
        for line in lines("memory> "):
            try:
                print(editor.run(line))
            except MemoryClientError as exc:
                print(f"refused: {exc}")


if __name__ == "__main__":
    main()

"""A chat that remembers you: quit it, start it again, and it still knows what you told it.

    python examples/chat.py --user ada

Every turn asks the server for one prompt (the conversation so far, and the memories that fit), answers it, appends both
messages to the session, and keeps statements as long-term memories. Every start is a new session.
"""

from __future__ import annotations

import argparse
import uuid

from replies import URL, lines, said

from agent_memory_client import SyncMemoryAPIClient


def answer(client: SyncMemoryAPIClient, user: str, session: str, text: str) -> str:
    """The reply to one line, and everything that is remembered of it."""
    prompt = client.memory_prompt(
        text,
        session_id=session,
        user_id=user,
        long_term_search={
            "user_id": {"eq": user},
            "memory_type": {"ne": "message"},  # the statements that were kept, not every line of every session
            "search_mode": "hybrid",
            "limit": 5,
        },
    )
    known = [memory["text"] for memory in prompt["long_term_memories"] or []]
    reply = said([{"role": message["role"], "content": message["content"]["text"]} for message in prompt["messages"]])
    if reply is None:
        reply = "I remember:\n" + "\n".join(f"- {each}" for each in known) if known else "That is new to me."
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]
    client.append_messages(session, turns, user_id=user)
    if not text.endswith("?"):
        client.create_long_term_memory([{"text": text, "user_id": user, "session_id": session}])
    return reply


def main() -> None:
    """Talk until the input ends."""
    parser = argparse.ArgumentParser(description="A chat that remembers its user.")
    parser.add_argument("--user", default="ada")
    user = parser.parse_args().user
    session = f"chat-{uuid.uuid4().hex}"
    with SyncMemoryAPIClient(base_url=URL) as client:
        for text in lines(f"{user}> "):
            print(answer(client, user, session, text))


if __name__ == "__main__":
    main()

"""A tutor for German words that knows what you find hard, also next week.

    python examples/tutor.py --user ada

Scores lie in the working memory of one session per learner, so the next lesson starts with the weakest word. A mistake
is an episodic long-term memory, which any other program of the learner can find.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from replies import URL, lines, said

from agent_memory_client import SyncMemoryAPIClient

WORDS = {"Hund": "dog", "Baum": "tree", "Brot": "bread"}


class Tutor:
    """Lessons of one learner."""

    def __init__(self, client: SyncMemoryAPIClient, user: str) -> None:
        self._client = client
        self._user = user
        self._session = f"tutor-{user}"
        _, session = client.get_or_create_working_memory(self._session, user_id=user)
        self._scores: dict[str, int] = dict.fromkeys(WORDS, 0) | (session.data or {}).get("scores", {})

    def question(self) -> str:
        """The word with the lowest score; the first of several."""
        return min(WORDS, key=self._scores.__getitem__)

    def check(self, word: str, given: str) -> str:
        """Judge an answer, and remember how it went."""
        right = given.lower() == WORDS[word]
        self._scores[word] += 1 if right else -1
        self._client.update_working_memory_data(self._session, {"scores": self._scores}, user_id=self._user)
        if right:
            return "Right."
        memory = {
            "text": f"{self._user} took {word} for {given}; it means {WORDS[word]}.",
            "user_id": self._user,
            "memory_type": "episodic",
            "event_date": datetime.now(UTC),
            "topics": ["german"],
        }
        self._client.create_long_term_memory([memory])
        wish = f"Give me one short mnemonic for the German word {word}, which means {WORDS[word]}."
        hint = said([{"role": "user", "content": wish}])
        return f"No: {word} is {WORDS[word]}." + (f" {hint}" if hint else "")

    def hard(self) -> str:
        """What the learner got wrong before."""
        found = self._client.search_long_term_memory(
            f"{self._user} took for it means", search_mode="hybrid", user_id=self._user, topics=["german"], limit=3
        )
        return "\n".join(f"- {memory.text}" for memory in found.memories)


def main() -> None:
    """Ask until the input ends."""
    parser = argparse.ArgumentParser(description="A tutor that remembers what its learner finds hard.")
    parser.add_argument("--user", default="ada")
    with SyncMemoryAPIClient(base_url=URL) as client:
        tutor = Tutor(client, parser.parse_args().user)
        if hard := tutor.hard():
            print(f"Last time:\n{hard}")
        print(f"What is {tutor.question()}?")
        for given in lines("> "):
            print(tutor.check(tutor.question(), given))
            print(f"What is {tutor.question()}?")


if __name__ == "__main__":
    main()

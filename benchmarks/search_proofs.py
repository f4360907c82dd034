"""What no search may do: fail on a text, change the next search's ranking, or be moved by other tenants' data.

    python -m benchmarks.search_proofs --data talk.json other.json --searches 10000 --tenants 100

The conversations are stored as messages, and their questions asked in every mode. Exit status 1 when a proof fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_memory_server.evaluation.conversations import Conversation, Corpus, Query, Turn
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.measure import target
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.retrieval import Target, checked, ingest

MODES = ("semantic", "keyword", "hybrid")
SEARCH = "/v1/long-term-memory/search"
DEPTH = 20

_QUIET = {"ENABLE_DISCRETE_MEMORY_EXTRACTION": "false"}
"""Records that the server itself reads out of the conversations meanwhile would rightly join the rankings."""

HOSTILE = (
    'What does "such a title"? mean',
    '"',
    '""',
    '"unclosed',
    "'s",
    '"the"! "of"? "and".',
    "the of and is it",
    "is it true",
    "the",
    "?!.,;:-_()[]{}<>|&*~^%$#@\\/`+=",
    "@text:(is | it | true)",
    "@user_id:{*} => [KNN 10 @vector $v]",
    "-alpha +beta ~gamma %fuzzy% prefix* *suffix w'wild*'",
    "NEAR(alpha beta, 2) AND NOT gamma OR col:delta",
    "'; DROP TABLE memories; --",
    "SELECT * FROM records WHERE 1=1",
    "\x00",
    "before\x00after",
    "\x01\x02\x1f\x7f\x85",
    "line\nbreak\ttab\r\nreturn",
    "我们去年夏天在哪里度假\uff1f",
    "昨日の会議はどうでしたか",
    "어제 회의는 어땠어요?",
    "أين كنا في الصيف الماضي؟",
    "Où étions-nous l'été passé ? Straße, naïve, Ærøskøbing",
    "e\u0301\u0301\u0301 \u200b\u200d\ufeff \u202e reversed",
    "😀👩‍👩‍👧‍👦🇦🇹",
    "\U0001f600" * 500,
    "\ud800 a lone surrogate \udfff",
    "a" * 10_000,
    "word " * 2_000,
    '"word ' * 2_000,
    "\u4e2d" * 10_000,
    " \t\n ",
    "0",
    "1e309 NaN Infinity -0 0x1F",
    "2023-05-08 yesterday last May in 1900 next leap year 31.02.2023",
    "99999999999999999999 days ago",
    "{{template}} ${shell} %s %(name)s {0}",
    "null",
)
"""Texts that have broken query parsers, tokenisers and embedding models."""

_PIECES = (
    *"\"'()[]{}@|&*~^%$#\\/:;,.?!-+=<>` \t\n\x00",
    *("AND", "OR", "NOT", "NEAR", "the", "is", "it", "of", "coffee", "Ada", "yesterday", "2023", "naïve", "*:*", "=>"),
    *("咖啡", "コーヒー", "커피", "😀", "\u0301", "\u202e", "\ufeff", "\ud83d", "ﬀ", "İ", "ß"),
)


def generated(count: int, *, seed: int = 0) -> list[str]:
    """Texts put together by chance from what query languages, scripts and tokenisers stumble over."""
    chance = random.Random(seed)
    glue = ("", "", " ")
    texts = []
    for _ in range(count):
        pieces = (chance.choice(_PIECES) + chance.choice(glue) for _ in range(chance.randint(1, 14)))
        texts.append("".join(pieces))
    return texts


@dataclass(frozen=True, slots=True)
class Failure:
    """A text that was not answered: by which mode, and what came instead."""

    mode: str
    text: str
    answer: str


Ranking = tuple[tuple[str, float], ...]
"""(id, dist) of the results, best first."""

Rankings = Mapping[tuple[str, str], Ranking]
"""By the question's id and the mode."""


async def unanswered(place: Target, texts: Sequence[str], *, modes: Sequence[str] = MODES) -> list[Failure]:
    """Search for every text in every mode, and return what was not answered with 200 and a list of memories."""
    failures = []
    for text in texts:
        for mode in modes:
            body = {"text": text, "search_mode": mode, "namespace": {"eq": place.namespace}, "limit": 5}
            # Written by hand: a client's encoder refuses lone surrogates, which JSON can express.
            answer = await place.http.post(
                SEARCH, content=json.dumps(body), headers={"Content-Type": "application/json"}
            )
            if answer.status_code != 200 or not isinstance(answer.json().get("memories"), list):
                failures.append(Failure(mode, text[:80], f"{answer.status_code} {answer.text[:200]}"))
    return failures


async def rankings(place: Target, queries: Sequence[Query], *, within_user: bool = True) -> Rankings:
    """The first results of every question in every mode, by (question's id, mode). Recency is off: time moves it."""
    found = {}
    for query in queries:
        for mode in MODES:
            body = _asking(place, query.question, mode) | {"recency_boost": False, "limit": DEPTH}
            if within_user:
                body["user_id"] = {"eq": query.conversation}
            answer = checked(await place.http.post(SEARCH, json=body))
            found[query.id, mode] = tuple((memory["id"], memory["dist"]) for memory in answer["memories"])
    return found


def _asking(place: Target, text: str, mode: str) -> dict[str, Any]:
    return {"text": text, "search_mode": mode, "namespace": {"eq": place.namespace}}


def moved(before: Rankings, after: Rankings) -> list[tuple[str, str]]:
    """The questions and modes whose results are others, in another order, or at another distance (beyond rounding)."""

    def differ(one: Ranking, other: Ranking) -> bool:
        if [id_ for id_, _ in one] != [id_ for id_, _ in other]:
            return True
        return any(abs(a - b) > 1e-5 for (_, a), (_, b) in zip(one, other, strict=True))

    return [key for key in before if differ(before[key], after[key])]


async def search_often(place: Target, queries: Sequence[Query], times: int) -> None:
    """Search as an agent would, recency on, so that every result counts as used."""
    for number in range(times):
        query, mode = queries[number % len(queries)], MODES[(number // len(queries)) % len(MODES)]
        body = _asking(place, query.question, mode) | {"user_id": {"eq": query.conversation}}
        checked(await place.http.post(SEARCH, json=body))


def tenants(corpus: Corpus, count: int, *, turns: int, seed: int = 0) -> Iterator[Conversation]:
    """Other tenants' conversations: the turns of this corpus in another order, under other ids."""
    chance = random.Random(seed)
    said = [(session, turn) for c in corpus.conversations for session in c.sessions for turn in session.turns]
    for number in range(count):
        picked = chance.sample(said, min(turns, len(said)))
        first = replace(picked[0][0], id="s", turns=tuple(_renamed(turn, n) for n, (_, turn) in enumerate(picked)))
        yield Conversation(f"{corpus.name}-tenant-{number}", (first,))


def _renamed(turn: Turn, number: int) -> Turn:
    return replace(turn, id=f"t{number}", time=1_700_000_000.0 + number)


async def add_tenants(place: Target, corpus: Corpus, count: int, *, turns: int) -> None:
    """Store other tenants' data: half of them in namespaces of their own, under the users of the corpus; then half as
    other users of the namespace itself."""
    others = list(tenants(corpus, count, turns=turns))
    users = [conversation.id for conversation in corpus.conversations]
    for number, other in enumerate(others[: count // 2]):
        beside = Target(place.http, f"{place.namespace}-{number}")
        await _store(beside, replace(other, id=users[number % len(users)]))
    for other in others[count // 2 :]:
        await _store(place, other)


async def _store(place: Target, conversation: Conversation) -> None:
    await ingest(place, Corpus("tenant", (conversation,), ()), lambda *_: None)


async def prove(place: Target, corpora: Sequence[Corpus], *, searches: int, others: int, turns: int) -> list[str]:
    """All proofs, one after the other; sentences on what failed."""
    failed: list[str] = []
    for corpus in corpora:
        await ingest(place, corpus, lambda *_: None)
    queries = [query for corpus in corpora for query in corpus.queries]
    texts = [*(query.question for query in queries), *HOSTILE, *generated(1000)]
    refused = await unanswered(place, texts)
    _say(failed, not refused, f"{len(texts)} texts in {len(MODES)} modes are answered", [str(each) for each in refused])
    before = await rankings(place, queries)
    started = time.monotonic()
    await search_often(place, queries, searches)
    took = time.monotonic() - started
    changed = moved(before, await rankings(place, queries))
    _say(failed, not changed, f"{len(before)} rankings are the same after {searches} searches ({took:.0f} s)", changed)
    for corpus in corpora:
        await add_tenants(place, corpus, others // len(corpora), turns=turns)
    changed = moved(before, await rankings(place, queries))
    _say(failed, not changed, f"{len(before)} rankings are the same beside {others} other tenants' data", changed)
    return failed


def _say(failed: list[str], holds: bool, sentence: str, details: Sequence[object]) -> None:
    print(f"{'yes' if holds else 'NO '}  {sentence}", flush=True)
    if not holds:
        failed.append(sentence)
        print(f"     {len(details)} are not, the first: {[str(each) for each in details[:5]]}", flush=True)


async def _run(options: argparse.Namespace) -> list[str]:
    corpora = [load(path) for path in options.data]
    with contextlib.ExitStack() as stack:
        url = options.base_url or stack.enter_context(own_server(_QUIET)).url
        async with target(url, options.token) as place:
            return await prove(place, corpora, searches=options.searches, others=options.tenants, turns=options.turns)


def main() -> None:
    """Print one line for each proof."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="conversation files")
    parser.add_argument(
        "--base-url",
        help="default: a server of its own; the data stays there, and it may not extract",
    )
    parser.add_argument("--token", help="access token for --base-url")
    parser.add_argument("--searches", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--turns", type=int, default=100, help="turns of each other tenant")
    if asyncio.run(_run(parser.parse_args())):
        sys.exit(1)


if __name__ == "__main__":
    main()

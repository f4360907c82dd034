"""Topics and entities of a text by rule: phrases between stop words, and runs of capitalised words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent_memory_server.domain.words import STOP_WORDS

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BREAK = re.compile(r"[^\w\s'’-]+")
_CAPITAL = re.compile(r"\b[A-Z][\w’'-]*(?: (?:of |the |de |van )?[A-Z][\w’'-]*)*")
_FILLERS = frozenset(
    # what is said in passing: no topic
    """really very just so too also quite pretty lot lots bit thing things way time day today yesterday tomorrow got get
    go going went like love hate prefer enjoy want need know think feel good great nice new old more most much many
    name favorite favourite always never usually often sometimes ago last next week month year years months weeks days
    don't can't i'm i've i'd i'll it's that's we're we've didn't doesn't won't isn't
    please thank thanks hello okay maybe perhaps actually already again still even only yet here each every other
    another same such own both either all any some few first second from into onto over under after before during
    since until about between through without within along across against towards near off per via than because
    although though while say says said tell told make makes made take takes took give gave call called come came
    see saw seen meet met use used using buy bought book booked start started begin began move moved work works
    worked live lives lived visit visited join joined attend attended drink eat write wrote one two three four five
    six seven eight nine ten january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday""".split()
)
_NO_ENTITY = frozenset(
    """I I'm I've I'd I'll Hey Hi Hello Yes No Oh Well Thanks Wow Here Just Last Next So Yeah Ok
    Okay Monday Tuesday Wednesday Thursday Friday
    Saturday Sunday January February March April May June July August September October November December""".split()
)
_MOST_WORDS = 3


def topics_in(text: str, *, limit: int = 3) -> tuple[str, ...]:
    """Key phrases, best first: runs of at most three words between stop words, scored by their words' degree.

    Source: Rose, Engel, Cramer & Cowley, "Automatic keyword extraction from individual documents" (RAKE), 2010.
    """
    phrases: list[tuple[str, ...]] = []
    for part in _BREAK.split(text):
        run: list[str] = []
        for word in [*(found.group().lower() for found in _WORD.finditer(part)), ""]:
            if word and word not in STOP_WORDS and word not in _FILLERS and not word.isdigit() and len(word) > 2:
                run.append(word)
            elif run:
                phrases.append(tuple(run[-_MOST_WORDS:]))
                run = []
    degree: dict[str, int] = {}
    count: dict[str, int] = {}
    for phrase in phrases:
        for word in phrase:
            degree[word] = degree.get(word, 0) + len(phrase)
            count[word] = count.get(word, 0) + 1
    scores = {phrase: sum(degree[word] / count[word] for word in phrase) for phrase in phrases}
    best = sorted(scores, key=lambda phrase: -scores[phrase])
    return tuple(" ".join(phrase) for phrase in best[:limit])


def entities_in(text: str) -> tuple[str, ...]:
    """Names: capitalised words that do not begin a sentence, in the order of the text, each once."""
    names: dict[str, None] = {}
    for found in _CAPITAL.finditer(text):
        before = text[: found.start()].rstrip()
        words = re.sub(r"['’]s$", "", found.group()).split()
        if not before or before[-1] in '.!?:\n"“*-':
            words = words[1:]  # the capital of a sentence's first word says nothing
        words = [word for word in words if word not in _NO_ENTITY]
        if words:
            names.setdefault(" ".join(words))
    return tuple(names)


def cleaned(labels: Iterable[str]) -> tuple[str, ...]:
    """Topics or entities as they are stored: no commas, single spaces, none empty, each once."""
    plain = (" ".join(label.replace(",", " ").split()) for label in labels)
    return tuple(dict.fromkeys(label for label in plain if label))

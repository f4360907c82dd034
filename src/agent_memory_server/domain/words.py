"""The one tokeniser: what counts as a word, for every engine, at write and at query time.

Text is folded (NFKC, case, accents), split into runs of letters and digits, freed of stop words and
stemmed with Snowball's English stemmer. Runs of Chinese, Japanese and Korean characters, which have no
spaces, become their single characters and their overlapping pairs.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import Stemmer
from numpy.typing import NDArray

from agent_memory_server.domain.query import Term

VERSION = 1
"""Stored beside indexed words; when it changes, a data folder is re-indexed."""

MAX_WORD_CHARS = 64
"""Longer runs (base64, hashes) are cut, so one word cannot bloat the index."""

STOP_WORDS = frozenset(
    # articles, conjunctions, prepositions and copulas of Lucene's English list, then pronouns,
    # question words and auxiliaries: they carry no topic, and in questions they outnumber what does.
    """a an and are as at be but by for if in into is it no not of on or such that the their then there these
    they this to was will with
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself its itself them theirs themselves
    who whom whose what which when where why how
    am been being do does did doing done have has had having can could would should may might must shall
    im ive id ill youre youve hes shes weve were theyre thats whats dont doesnt didnt isnt wasnt cant s t d ll re
    ve m""".split()
)

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['\u2019][^\W\d_{_CJK}]+)*")
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}](?:[^\W_{_CJK}]|[\u0300-\u036f])*(?:['\u2019][^\W\d_{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")
_ASCII_TOKEN = re.compile("[a-z0-9]+(?:'[a-z]+)*")
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_local = threading.local()


def fold(text: str) -> str:
    """Lower case without accents, compatibility forms unified: "Café" and "ＣＡＦÉ" become "cafe"."""
    if text.isascii():
        return text.lower()
    # Twice, as folding case and unfolding compatibility forms each make work for the other ("℠" is "SM").
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) or _IS_CJK.match(c))
    return unicodedata.normalize("NFKC", bare)


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer object is not thread-safe; each thread keeps its own, with its own cache.
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 10000)
    return stemmer


def _cjk_words(run: str) -> Iterator[str]:
    yield from run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _raw_words(text: str) -> Iterable[str]:
    folded = fold(text)
    if folded.isascii():  # most text: the same tokens at a third of the cost
        found = _ASCII_TOKEN.findall(folded)
        return [token.replace("'", "")[:MAX_WORD_CHARS] for token in found]
    return _any_words(folded)


def _any_words(folded: str) -> Iterator[str]:
    for found in _TOKEN.finditer(folded):
        run = found.group()
        if _IS_CJK.match(run):
            yield from _cjk_words(run)
        else:
            yield run.translate(_APOSTROPHES)[:MAX_WORD_CHARS]


def words(text: str) -> list[str]:
    """The stemmed words of a text in their order, with repeats, without stop words. May be empty."""
    kept = [word for word in _raw_words(text) if word not in STOP_WORDS]
    return list(_stemmer().stemWords(kept))


def placed_words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as `words` gives them, each with its place: first character, and the one behind the last.

    Folding may change a text's length, so every run of letters and digits is folded by itself; the single characters
    of a Chinese, Japanese or Korean run lie at their own place, its pairs at both.
    """
    found: list[tuple[str, int, int]] = []
    for run in _RUN.finditer(text):
        if _IS_CJK.match(run.group()):
            start = run.start()
            found += [
                (word, at, at + size)
                for size in (1, 2)
                for at in range(start, run.end() - size + 1)
                for word in words(text[at : at + size])[-1:]
            ]
        else:
            found += [(word, run.start(), run.end()) for word in words(run.group())]
    return sorted(found, key=lambda one: one[1])


_QUOTED = re.compile('["\u201c\u201d]([^"\u201c\u201d]*)["\u201c\u201d]')


def _asked(text: str) -> list[str]:
    # A text of stop words only keeps them: better a weak search than none.
    return words(text) or list(_stemmer().stemWords(list(_raw_words(text))))


def _phrases(quoted: str) -> list[tuple[str, ...]]:
    """What a quoted text asks for: words that follow each other, and of each Chinese, Japanese or Korean run its pairs,
    which follow each other within any longer run too (its single characters and pairs together would not)."""
    found: list[tuple[str, ...]] = []
    between: list[str] = []
    for token in [*_TOKEN.finditer(fold(quoted)), None]:
        run = token.group() if token else ""
        if token and not _IS_CJK.match(run):
            between += words(run)
            continue
        if between:
            found.append(tuple(between))
            between = []
        if run:
            found.append(tuple(run[at : at + 2] for at in range(max(len(run) - 1, 1))))
    return found


@lru_cache(maxsize=4096)
def query_terms(text: str, *, phrases_required: bool = False) -> tuple[Term, ...]:
    """The different things a query asks for, in order of first appearance; empty for punctuation only.

    Text inside double quotes (straight or curly) is a phrase: its words in this order. A phrase of one word is a
    word; one that changes between scripts with and without spaces is a phrase for each part.
    phrases_required: every phrase must occur in a result (the hybrid mode's rule).
    """
    terms: list[Term] = []
    for found in _QUOTED.finditer(text):
        terms += [Term(phrase, required=phrases_required) for phrase in _phrases(found.group(1))]
    rest = _QUOTED.sub(" ", text)
    terms += [Term((word,)) for word in (words(rest) if terms else _asked(text))]
    first: dict[tuple[str, ...], Term] = {}
    for term in terms:
        first.setdefault(term.words, term)
    return tuple(first.values())


def word_codes(words_: Sequence[str]) -> NDArray[np.uint32]:
    """Words as 32-bit codes (CRC-32 of UTF-8), shape (n,): what engines keep to count words with numpy.

    Two different words share a code with a probability of 2e-10; a ranking can bear that.
    """
    return np.fromiter((zlib.crc32(word.encode()) for word in words_), dtype=np.uint32, count=len(words_))

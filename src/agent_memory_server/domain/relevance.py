"""How likely it is that a result answers the question: an estimate from 0 to 1 that means the same for every question.

`score` compares the results of one question; the best one has 1 even where nothing fits. This compares with questions
whose answer was not among the records searched. Logistic functions of at most two features, fitted on conversations by
`python -m benchmarks.relevance`; what they are worth is in `docs/benchmarks.md`. All functions are pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """1 / (1 + exp(-(meaning × similarity + words × share + bias))).

    similarity: cosine, -1 … 1; share: what the record holds of the weight of the question's words, 0 … 1 (`share`).
    """

    meaning: float = 0.0
    words: float = 0.0
    bias: float

    def of(self, similarity: Floats, share: Floats) -> Floats:
        """The estimates, shape (n,)."""
        found: Floats = 1.0 / (1.0 + np.exp(-(self.meaning * similarity + self.words * share + self.bias)))
        return found

    def similarity_for(self, relevance: float) -> float:
        """The similarity from which on an estimate by meaning alone reaches `relevance`; out of -1 … 1 for none or
        every record."""
        if relevance <= 0.0:
            return -math.inf
        if relevance >= 1.0:
            return math.inf
        return (math.log(relevance / (1.0 - relevance)) - self.bias) / self.meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Of one embedding model, whose similarities no other model has.

    both: of a candidate of a hybrid search; meaning: by distance alone. None: not fitted for this model.
    """

    both: Logistic | None = None
    meaning: Logistic | None = None


NOT_FITTED = Estimates()

WORDS = Logistic(words=8.7, bias=-3.5)
"""By words alone: needs no model. Fitted as `FITTED`."""

FITTED = {
    "all-MiniLM-L6-v2": Estimates(
        both=Logistic(meaning=9.2, words=7.0, bias=-6.8), meaning=Logistic(meaning=11.1, bias=-5.7)
    )
}
"""By the name of the embedding model. Fitted on conversation conv-26 of LoCoMo and 100K-1, 100K-2 of BEAM."""


def estimates_of(model: str) -> Estimates:
    """Of an embedding model by its name."""
    return FITTED.get(model, NOT_FITTED)


def share(words: Floats, asked: float, saturation: float) -> Floats:
    """What records hold of the weight of a question's words, 0 … 1.

    words: BM25 with k1 = `saturation`; asked: the weight of all words of the question (`keyword.Found.asked`).
    """
    most = asked * (saturation + 1.0)
    found: Floats = np.clip(words / most, 0.0, 1.0) if most > 0.0 else np.zeros_like(words)
    return found

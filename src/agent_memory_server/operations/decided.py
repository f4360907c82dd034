"""What a model said to a question about texts, kept for the next time; sealed with the question (`domain.sealing`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agent_memory_server.domain.sealing import question_digest, sealed
from agent_memory_server.ports.decisions import Decisions

Question = tuple[str, ...]
"""What for, the model, and the texts."""


async def answers_to(decisions: Decisions, questions: Iterable[Question]) -> dict[Question, Any]:
    """The answers that are known, as they were kept (of JSON's types)."""
    digests = {question: question_digest(*question) for question in questions}
    found = await decisions.get(list(digests.values()))
    return {
        question: json.loads(sealed(found[digest], *question))
        for question, digest in digests.items()
        if digest in found
    }


async def keep_answers(decisions: Decisions, answers: Mapping[Question, Any]) -> None:
    """Keep answers, of JSON's types."""
    await decisions.keep(
        {
            question_digest(*question): sealed(json.dumps(answer).encode(), *question)
            for question, answer in answers.items()
        }
    )

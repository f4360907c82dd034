"""Bring together memories that say the same, and let a newer one take the place of what it contradicts.

Each record is compared once after its text was stored, with its nearest neighbours of the same namespace, user and
type. What was compared is noted in the store, so a run that is cut off is taken up again, and nothing is looked at
twice. Every step is conditional on the revisions it was decided on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.decision import Decision, Kind, Outcome, Reason
from agent_memory_server.domain.errors import Conflict, MemoryServerError, NotFound
from agent_memory_server.domain.filters import EVERYTHING, Filter, TextField, only
from agent_memory_server.domain.memory import Memory, Superseding
from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.sameness import Relation
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.decision_log import note
from agent_memory_server.operations.give_way import give_way
from agent_memory_server.operations.judge import Verdict, Verdicts, verdicts_on
from agent_memory_server.operations.superseding import step_for
from agent_memory_server.ports.memory_store import Supersession

COMPARE_AT_ONCE = 64
CANDIDATES = 20
"""Nearest neighbours that a record is compared with by rules."""

ASKED = 5
"""Of these the nearest ones, about which a model is asked where the rules see two facts."""

MOST_WAITING = 512
"""Records that wait for a model in one run, after which the run ends."""

_NEVER = "summary"
"""Strategy whose records stand for a whole conversation: they are no facts."""

DONE = {Superseding.MERGED: Reason.SAME, Superseding.CONTRADICTED: Reason.CONTRADICTED}
"""Why a record goes, as the decision log says it."""

Vector = NDArray[np.float32]


@dataclass(slots=True)
class Walk:
    """What a walk did. compared: how many records; waiting: ids of those that a model could not be asked about, and
    failure, why; noted: pairs of ids of which it was noted already why nothing is done about them."""

    compared: int = 0
    waiting: set[str] = field(default_factory=set)
    failure: MemoryServerError | None = None
    noted: set[frozenset[str]] = field(default_factory=set)


async def consolidate(app: Application, *, resting: bool = False) -> int:
    """Compare all that was not compared yet; how many records were. resting: see `compare`.

    Raises: Unavailable (the store, or the chat model, without which what the rules decide is done all the same);
    nothing is lost by it.
    """
    walk = await compare(app, EVERYWHERE, EVERYTHING, resting=resting)
    if walk.failure is not None:
        raise walk.failure
    return walk.compared


async def compare(
    app: Application, scope: Scope, filter_: Filter, *, resting: bool = False, within_s: float | None = None
) -> Walk:
    """Compare all of a selection that was not compared yet with the others of its place.

    resting: after each record the process is left to requests (`beside_requests`): a record takes one or two
    milliseconds of it, which for minutes after an import would otherwise stand before every request.
    within_s: after which no further batch and no further question is begun. A record outside the filter may be changed
    by it, as the place of a record is its whole namespace and user.
    Raises: Unavailable (the store).
    """
    walk = Walk()
    until = None if within_s is None else time.monotonic() + within_s
    while app.options.consolidate and len(walk.waiting) < MOST_WAITING:
        batch = await app.memories.uncompared(scope, filter_, limit=COMPARE_AT_ONCE + len(walk.waiting))
        due = [record for record in batch if record.id not in walk.waiting][:COMPARE_AT_ONCE]
        if not await _compare_some(app, due, walk, until, resting) or (until is not None and time.monotonic() >= until):
            break
    return walk


async def _compare_some(
    app: Application, batch: Sequence[Memory], walk: Walk, until: float | None, resting: bool
) -> bool:
    """Compare a batch; whether that brought the walk on."""
    vectors = await app.memories.vectors([record.id for record in batch])
    # A model that failed is left alone for the rest of this walk: the next one asks again.
    verdicts = await _verdicts(app, batch, vectors, time.monotonic() if walk.failure else until)
    walk.failure = walk.failure or verdicts.failure
    before = (walk.compared, len(walk.waiting))
    compared: list[tuple[str, int]] = []
    superseded: set[str] = set()
    for record in batch:
        if record.id in superseded or record.id not in vectors:
            continue
        await give_way()
        began = time.monotonic()
        try:
            staying, gone, open_ = await _compare(app, record, vectors[record.id], verdicts, walk)
        except (Conflict, NotFound):
            continue  # somebody else changed one of them: the next run looks again
        if resting:
            await asyncio.sleep(app.requests.rest_s(time.monotonic() - began))
        superseded |= gone
        if open_:
            walk.waiting.add(record.id)
            continue
        walk.compared += 1
        # One with a new text is compared again, and another one that stays is compared for itself.
        if (staying.id, staying.text) == (record.id, record.text):
            compared.append((staying.id, staying.revision))
    await app.memories.mark_compared(compared)
    return (walk.compared, len(walk.waiting)) != before


async def _verdicts(
    app: Application, batch: Sequence[Memory], vectors: Mapping[str, Vector], until: float | None
) -> Verdicts:
    """What a model says of the records and their nearest neighbours; nothing where there is none."""
    if app.fast_chat is None and app.chat is None:
        return Verdicts()
    pairs: list[tuple[Memory, Memory]] = []
    for record in batch:
        if record.id in vectors and record.extraction_strategy != _NEVER:
            near = await _neighbours(app, record, vectors[record.id])
            pairs += [(record, other) for other in near[:ASKED]]
    return await verdicts_on(app, pairs, until=until)


async def _compare(
    app: Application, record: Memory, vector: Vector, verdicts: Verdicts, walk: Walk
) -> tuple[Memory, set[str], bool]:
    """The record that stays in the end, the ids of those that it, or one before it, superseded, and whether a model is
    still to be asked about it."""
    gone: set[str] = set()
    if record.extraction_strategy == _NEVER:
        return record, gone, False
    staying = record
    # What it contradicts comes first: merged into an older record it would no longer be the newer one.
    near = await _neighbours(app, record, vector)
    near.sort(key=lambda other: verdicts.on(record, other).relation is not Relation.CONTRADICTION)
    open_ = any(verdicts.open(record, other) for other in near)
    for other in near:
        verdict = verdicts.on(staying, other)
        step = step_for(staying, other, verdict, app.clock())
        if not isinstance(step, Supersession):
            if step is not None:
                await _note_refused(app, walk, (staying, other), verdict, step)
            continue
        staying = await app.memories.supersede(EVERYWHERE, await _with_vector(app, step, (staying, other)))
        await note(app, [_decision(app, staying, [id_ for id_, _ in step.gone], verdict, DONE[step.because])])
        gone.update(id_ for id_, _ in step.gone)
        if step.because is Superseding.CONTRADICTED and record.id in gone:
            break
    return staying, gone, open_ and record.id not in gone


async def _note_refused(
    app: Application, walk: Walk, pair: tuple[Memory, Memory], verdict: Verdict, reason: Reason
) -> None:
    """Note, once in a walk, that a verdict on two records is not carried out."""
    ids = frozenset(memory.id for memory in pair)
    if ids not in walk.noted:
        walk.noted.add(ids)
        await note(app, [_decision(app, pair[0], [pair[1].id], verdict, reason)])


def _decision(app: Application, staying: Memory, others: Sequence[str], verdict: Verdict, reason: Reason) -> Decision:
    done = reason in DONE.values()
    return Decision(
        at=app.clock(),
        kind=Kind.MERGE if verdict.relation is Relation.SAME else Kind.SUPERSEDE,
        outcome=Outcome.DONE if done else Outcome.REFUSED,
        reason=reason,
        by=verdict.by,
        namespace=staying.namespace,
        user_id=staying.user_id,
        memory_ids=tuple(others) if done else (staying.id, *others),
        into=staying.id if done else "",
    )


async def _with_vector(app: Application, step: Supersession, pair: Sequence[Memory]) -> Supersession:
    """The step, with the vector of the one whose text the other takes over: no text is embedded twice. A text that is
    new is owed."""
    if any(memory.id == step.by.id and memory.text == step.by.text for memory in pair):
        return step
    for memory in pair:
        if memory.text == step.by.text:
            return replace(step, vector=(await app.memories.vectors([memory.id])).get(memory.id))
    app.owed.set()
    return step


async def _neighbours(app: Application, record: Memory, vector: Vector) -> list[Memory]:
    """Nearest first, the record itself left out."""
    place = Scope(frozenset({record.namespace}), frozenset({record.user_id}))
    query = StoreQuery(
        mode=Mode.SEMANTIC,
        filter=Filter((only(TextField.MEMORY_TYPE, record.memory_type.value),)),
        vector=vector,
        alpha=1.0,
        within=app.options.duplicate_distance,
        limit=CANDIDATES + 1,
    )
    ranked = await app.memories.search(place, query)
    near = [hit.memory for hit in ranked.hits if hit.memory.id != record.id]
    return [memory for memory in near if memory.extraction_strategy != _NEVER][:CANDIDATES]

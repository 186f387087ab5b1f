"""Labelled queries through an engine: how good the answers are, and how long each stage takes."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.scope import Scope
from buttress.kernel.statistics import quantile
from buttress.knowledge.measuring.matching import answered_by, gains_of, in_order
from buttress.knowledge.measuring.metrics import NDCG, mean_metrics, metrics_of
from buttress.knowledge.measuring.types import Evaluation, LabelledQuery, Labels, Scored, StageTimes
from buttress.knowledge.ports import Engine
from buttress.knowledge.search_types import Found, Query, StageReport

DEPTH = 100
"""Passages asked for: a document ranks where its best passage does, so ten documents need more than ten."""

Told = Callable[[int, int], None]
"""Is told how many queries of how many are done."""


class Evaluated(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, by whom, and with what."""

    knowledge: str
    scope: Scope
    engine: Engine
    clock: Clock
    chance: Chance


async def evaluate(asked: Evaluated, labels: Labels, told: Told = lambda _, __: None) -> Evaluation:
    """Ask each of `labels` as a call would, one after the other, and return how well that went.

    Raises:
        ButtressError: what `ports.Engine.search` names; a measurement of a part would be none.
    """
    scored: list[Scored] = []
    times_ms: list[float] = []
    reports: list[StageReport] = []
    for number, labelled in enumerate(labels.queries, start=1):
        began = asked.clock.monotonic()
        query = Query(knowledge=asked.knowledge, text=labelled.query, scope=asked.scope, limit=DEPTH)
        found = await asked.engine.search(query)
        times_ms.append(round((asked.clock.monotonic() - began) * 1000, 3))
        scored.append(Scored(labelled.query, score(found, labelled)))
        reports += found.stages
        told(number, len(labels.queries))
    whole = sorted(times_ms)
    return Evaluation(
        knowledge=asked.knowledge,
        origin=labels.origin,
        count=len(scored),
        metrics=mean_metrics([one.metrics for one in scored], asked.chance),
        stages=stage_times(reports),
        whole_ms=(quantile(whole, 0.5), quantile(whole, 0.95)),
        notes=labels.notes,
        queries=tuple(sorted(scored, key=lambda one: one.metrics[NDCG])),
    )


def score(found: Found, labelled: LabelledQuery) -> dict[str, float]:
    """Return the metrics of what was found for one query."""
    answered = {one.chunk_id: answered_by(one, labelled.relevant) for one in found.passages}
    return metrics_of(in_order([one.chunk_id for one in found.passages], answered), gains_of(labelled))


def stage_times(reports: Iterable[StageReport]) -> tuple[StageTimes, ...]:
    """Return how long each stage took, in the order in which they were met first."""
    by_name: dict[str, list[StageReport]] = {}
    for one in reports:
        by_name.setdefault(one.name, []).append(one)
    return tuple(_times(name, of_stage) for name, of_stage in by_name.items())


def _times(name: str, reports: Sequence[StageReport]) -> StageTimes:
    ordered = sorted(one.duration_ms for one in reports)
    return StageTimes(
        name=name,
        p50_ms=quantile(ordered, 0.5),
        p95_ms=quantile(ordered, 0.95),
        skipped=sum(one.skipped for one in reports),
    )

"""Retrieve: passages that may hold the answer, inside the scope; the fallback when there are none."""

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.steps.fallback import NOTHING_RELEVANT, fallback
from buttress.gateway.steps.templates import filled_in
from buttress.gateway.types import Inspected, Recalled, Reply, Retrieved
from buttress.guardrails.relevance import is_relevant
from buttress.guardrails.settings import RelevanceThresholds
from buttress.kernel.addressed import addressed_spans
from buttress.kernel.errors import ButtressError
from buttress.kernel.spans import Span
from buttress.knowledge.search_types import Found, Query
from buttress.releases.types import RetrieveStage


async def retrieve(recalled: Recalled, call: Call) -> Retrieved | Reply:
    """Return the passages found for the question; a reply when none is relevant or the engine is away.

    A release without a retrieve stage passes through, without passages.
    """
    inspected = recalled.ruled.inspected
    release = inspected.chosen.release
    stage = next((stage for stage in release.stages if isinstance(stage, RetrieveStage)), None)
    if stage is None:
        return Retrieved(recalled, ())
    with call.recorder.span("retrieve", knowledge=stage.knowledge) as span:
        try:
            found = await call.ports.engine.search(_query(stage, inspected))
        except ButtressError as error:
            span.data["reason"] = error.code
            return fallback(release, (), error.code)
        _note(found, call, span)
        if not is_relevant(found.passages, _thresholds(stage, call)):
            span.data["reason"] = NOTHING_RELEVANT
            return fallback(release, found.passages, NOTHING_RELEVANT)
        return Retrieved(recalled, found.passages, found.asked)


def _query(stage: RetrieveStage, inspected: Inspected) -> Query:
    return Query(
        knowledge=stage.knowledge,
        text=filled_in(stage.query, inspected.input, stage.name),
        scope=inspected.chosen.admitted.scope,
        limit=stage.limit,
    )


def _note(found: Found, call: Call, span: Span) -> None:
    call.passages = found.passages
    span.data["passages"] = len(found.passages)
    if planted := sum(bool(addressed_spans(one.text)) for one in found.passages):
        span.data["with_instructions"] = planted
    span.data["unknown_words"] = sum(not word.is_known for word in found.asked)
    span.data |= {f"{one.name}_ms": round(one.duration_ms, 1) for one in found.stages}
    call.is_degraded = any(one.skipped for one in found.stages)
    span.data |= {f"{one.name}_skipped": one.note for one in found.stages if one.skipped}


def _thresholds(stage: RetrieveStage, call: Call) -> RelevanceThresholds:
    """Return those of the stage; those of the settings where it has none of its own."""
    if stage.thresholds is None:
        return call.ports.guardrails.relevance
    return msgspec.convert(msgspec.to_builtins(stage.thresholds), RelevanceThresholds)

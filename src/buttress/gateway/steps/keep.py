"""Keep: what becomes of an answer for who asks the same: kept when it ended well, and told to who follows."""

from collections.abc import Iterator
from contextlib import contextmanager

from buttress.caching.flights import letting_go
from buttress.caching.keeping import Ending, why_not_kept
from buttress.gateway.call import Call
from buttress.gateway.kept import Keeping, KeptAnswer, cited_in, entry_of
from buttress.models.providers.extractive import EXTRACTIVE
from buttress.releases.types import Release, WritingStage

KNOWLEDGE_CHANGED = "knowledge_changed"


@contextmanager
def keeping(call: Call) -> Iterator[None]:
    """Keep the call's answer when the block ends well; on every way out, let go of who follows it.

    It comes to its end before the call is recorded: why an answer is not kept stands in the trace.
    """
    with letting_go(lambda: call.keeping.leader if call.keeping else None):
        yield
    if call.keeping and not call.recalled:
        _keep(call, call.keeping)


def _keep(call: Call, kept: Keeping) -> None:
    answer = _answer(call, kept)
    reason = _why_not(call, kept)
    for span in call.recorder.spans:
        if span.name == "recall" and reason:
            span.data["not_kept"] = reason
    if call.ports.answers and not reason:
        call.ports.answers.put(
            kept.key, entry_of(answer, kept.policy, cited_in(answer)), kept.policy, kept.meaning
        )
    if kept.leader and call.outcome == "answered":
        kept.leader.finish(answer)  # who has heard it gets it as it is, kept or not
    elif kept.leader:
        kept.leader.fail()


def _why_not(call: Call, kept: Keeping) -> str | None:
    answers, searched = call.ports.answers, kept.knowledge
    if answers and searched and answers.knowledge(searched[0]) != searched[1]:
        return KNOWLEDGE_CHANGED
    return why_not_kept(
        Ending(
            is_answered=call.outcome == "answered",
            text="".join(call.text),
            finish=call.finish,
            spoke={one.model for one in call.attempts if one.first_token_ms is not None},
            meant=_meant(call.ports.releases[call.asked.feature]),
            failed=bool(call.failed),
            is_degraded=call.is_degraded,
        )
    )


def _meant(release: Release) -> set[str]:
    """Return the models that an answer is to be of, and the quotes that may follow it."""
    ladders = [release.ladders[one.ladder] for one in release.stages if isinstance(one, WritingStage)]
    return {EXTRACTIVE.name, *(name for ladder in ladders for name in ladder.steps[0].models)}


def _answer(call: Call, kept: Keeping) -> KeptAnswer:
    return KeptAnswer(
        trace_id=call.trace_id,
        made_at=call.started_at,
        sentences=tuple(kept.sentences),
        passages=call.passages,
        withheld=tuple(call.withheld),
        model=call.model,
        tokens=call.usage.total,
        cost_nanodollars=call.cost,
        history=call.history,
        mapped=call.mapped,
    )

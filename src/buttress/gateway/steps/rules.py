"""Rules: answers that need no model."""

from collections.abc import Sequence

from buttress.gateway.call import Call
from buttress.gateway.steps.templates import filled_in
from buttress.gateway.types import Inspected, Reply, Ruled, Sentence
from buttress.kernel.errors import ButtressError
from buttress.kernel.spans import Span
from buttress.releases.rulebook import Ruling
from buttress.releases.types import RulesStage


async def rules(inspected: Inspected, call: Call) -> Ruled | Reply:
    """Return the answer of the first rule that has one; else the question, for the next step.

    A rule that fails is passed over, and so are all when what they look at cannot be rendered.
    """
    release = inspected.chosen.release
    stages = [stage for stage in release.stages if isinstance(stage, RulesStage)]
    if not stages:
        return Ruled(inspected)
    with call.recorder.span("rules") as span:
        try:
            answer = await _answer(stages, inspected, call, span)
        except ButtressError as error:
            span.data["reason"] = error.code
            return Ruled(inspected)
        if answer is None:
            return Ruled(inspected)
        return Reply(sentences=(Sentence(answer, ()),), outcome="answered", reason="")


async def _answer(stages: Sequence[RulesStage], inspected: Inspected, call: Call, span: Span) -> str | None:
    rulebook = call.ports.rulebook(inspected.chosen.release)
    for stage in stages:
        text = filled_in(stage.match, inspected.input, stage.name)
        ruling = await rulebook.ask(stage, text, inspected.input)
        _note(ruling, span)
        if ruling.answer is not None:
            return ruling.answer.text
    return None


def _note(ruling: Ruling, span: Span) -> None:
    if ruling.answer is not None:
        span.data["answered_by"] = ruling.answer.rule
    for skipped in ruling.skipped:
        span.data[f"skipped {skipped.rule}"] = skipped.reason

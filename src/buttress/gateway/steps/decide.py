"""Decide: what is released. The last place where an answer can still turn into the honest fallback."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.steps.fallback import cut_reply, fallback
from buttress.gateway.types import Checked, Decided, Reply, Sentence
from buttress.kernel.errors import ButtressError
from buttress.models.errors import NoRungLeft, NothingToQuote


def decide(checked: Checked, call: Call) -> Decided:
    """Release each checked sentence; when the model fails, go on with the fallback and say so."""
    return Decided(_released(checked, call))


def release_reply(reply: Reply, call: Call) -> Decided:
    """Release an answer that is known as a whole."""
    call.replied(reply)
    return Decided(_whole(reply))


async def _whole(reply: Reply) -> AsyncGenerator[Sentence, None]:
    for sentence in reply.sentences:
        yield sentence


async def _released(checked: Checked, call: Call) -> AsyncGenerator[Sentence, None]:
    retrieved = checked.sent.composed.retrieved
    with call.recorder.span("decide") as span:
        try:
            async with aclosing(checked.sentences) as sentences:
                async for sentence in sentences:
                    if call.has_model_spoken or sentence.text.strip():
                        call.has_model_spoken = True
                        yield sentence
        except ButtressError as error:
            span.data["reason"] = reason = _reason(error)
            reply = (
                cut_reply(checked.sent.composed, reason)
                if call.has_model_spoken
                else fallback(retrieved.release, retrieved.passages, reason)
            )
        else:
            if call.has_model_spoken:
                return
            reply = fallback(retrieved.release, retrieved.passages, "models.empty_answer")
        call.replied(reply)
        for sentence in reply.sentences:
            yield sentence


def _reason(error: ButtressError) -> str:
    """Return why there is no answer; that nothing answers the question is no failure of the ladder."""
    if isinstance(error, NoRungLeft) and isinstance(error.last, NothingToQuote):
        return error.last.code
    return error.code

"""Decide: what is released. The last place where an answer can still turn into quotes, or the fallback."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.steps.fallback import (
    CUT,
    DECLINED,
    UNCONFIRMED,
    WITHHELD,
    cut_reply,
    fallback,
)
from buttress.gateway.steps.quote import quoted
from buttress.gateway.types import Checked, Composed, Decided, Reply, Sentence
from buttress.guardrails.withholding import Withheld
from buttress.kernel.errors import ButtressError
from buttress.models.errors import NoRungLeft, NothingToQuote

EMPTY = "models.empty_answer"


def decide(checked: Checked, call: Call) -> Decided:
    """Release each sentence that holds.

    At the first one that does not, the model is stopped, and the answer goes on with quotes; behind a model
    that is `backed` it always does. When another one fails, says nothing, or says that it does not know, it
    goes on with the fallback, and says so.
    """
    return Decided(_released(checked, call))


def release_reply(reply: Reply, call: Call) -> Decided:
    """Release an answer that is known as a whole."""
    call.replied(reply)
    return Decided(_whole(reply))


async def _whole(reply: Reply) -> AsyncGenerator[Sentence, None]:
    for sentence in reply.sentences:
        yield sentence


async def _released(checked: Checked, call: Call) -> AsyncGenerator[Sentence, None]:
    composed = checked.sent.composed
    with call.recorder.span("decide") as span:
        try:
            async with aclosing(_as_long_as_it_holds(checked, call)) as sentences:
                async for sentence in sentences:
                    yield sentence
            reason = _why_it_stopped(call)
            if reason == WITHHELD or _is_backed(composed, call):
                call.heard = len(call.attempts)
                async with aclosing(quoted(composed, call)) as quotes:
                    async for sentence in quotes:
                        call.has_model_spoken, call.heard, reason = True, None, ""
                        yield sentence
        except ButtressError as error:
            reason = _reason(error)
        if reason:
            span.data["reason"] = reason
            reply = _reply(composed, reason, call)
            call.replied(reply)
            for sentence in reply.sentences:
                yield sentence


async def _as_long_as_it_holds(checked: Checked, call: Call) -> AsyncGenerator[Sentence, None]:
    """Give the sentences up to the first that is withheld; leaving stops the model."""
    async with aclosing(checked.sentences) as sentences:
        async for one in sentences:
            if isinstance(one, Withheld):
                call.withheld.append(one)
                return
            if call.has_model_spoken or one.text.strip():
                call.has_model_spoken = True
                yield one


def _why_it_stopped(call: Call) -> str:
    """Return why the answer cannot stay as it is; nothing when it is whole."""
    last = call.withheld[-1].reason if call.withheld else None
    if last == "leads_nowhere" and call.has_model_spoken:
        return ""
    if last == "declined":
        return DECLINED
    if last:
        return WITHHELD
    return "" if call.has_model_spoken else EMPTY


def _is_backed(composed: Composed, call: Call) -> bool:
    """Say whether the model that was heard last is one behind which quotes follow."""
    models = composed.retrieved.release.models
    return any(models[one.model].backed for one in call.attempts[-1:] if one.model in models)


def _reason(error: ButtressError) -> str:
    """Return why there is no answer; that nothing answers the question is no failure of the ladder."""
    if isinstance(error, NoRungLeft) and isinstance(error.last, NothingToQuote):
        return error.last.code
    return error.code


def _reply(composed: Composed, reason: str, call: Call) -> Reply:
    if call.has_model_spoken:
        return cut_reply(composed, reason, UNCONFIRMED if reason == WITHHELD else CUT)
    return fallback(composed.retrieved.release, composed.retrieved.passages, reason)

"""Follow: how an answer is given that was not made for this call: one that was kept, or is being made."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from buttress.caching.flights import Follower, Leader
from buttress.gateway.call import Call
from buttress.gateway.kept import KeptAnswer, replayed
from buttress.gateway.steps.fallback import CUT
from buttress.gateway.types import Decided, Progressed, Recalled, Reply, Sentence, Shared

OTHER_ANSWER = "recall.other_answer"
"""Who was followed has left, and the answer made in its place goes on in other words."""

Anew = Callable[[Recalled, Call], Awaitable[Decided]]
"""The rest of the way of a call, from its retrieval on."""


def give_again(answer: KeptAnswer, call: Call) -> Decided:
    """Give an answer that was kept: at once, or with the pauses it was made with."""
    is_paced = call.keeping is not None and call.keeping.policy.replay == "paced"
    _take(answer, call)
    return Decided(_again(answer, is_paced=is_paced))


def follow(shared: Shared[KeptAnswer], call: Call, anew: Anew) -> Decided:
    """Give the answer of an equal call as it is made; an own one where that comes to nothing."""
    return Decided(_followed(shared, call, anew), is_followed=True)


def _take(answer: KeptAnswer, call: Call) -> None:
    call.passages, call.history, call.mapped = answer.passages, answer.history, answer.mapped
    call.withheld.extend(answer.withheld)


async def _again(answer: KeptAnswer, *, is_paced: bool) -> AsyncGenerator[Sentence, None]:
    async for one in replayed(answer.sentences, is_paced=is_paced):
        yield one.sentence


async def _followed(
    shared: Shared[KeptAnswer], call: Call, anew: Anew
) -> AsyncGenerator[Sentence | Progressed, None]:
    told: list[Sentence] = []
    seat: Follower[Sentence, KeptAnswer] | Leader[Sentence, KeptAnswer] | None = shared.seat
    while isinstance(seat, Follower):
        async with aclosing(_heard(seat, told, call)) as sentences:
            async for sentence in sentences:
                yield sentence
        if seat.end == "whole":
            return
        # Behind a failure each goes its own way; where somebody left, one of those who followed leads.
        answers, keeping = call.ports.answers, call.keeping
        seat = answers.join(keeping.flight) if answers and keeping and seat.end == "left" else None
    if call.keeping:
        call.keeping.leader = seat
    decided = await anew(Recalled(shared.ruled), call)
    async with aclosing(_beyond(told, decided, call)) as own:
        async for one in own:
            yield one


async def _heard(
    seat: Follower[Sentence, KeptAnswer], told: list[Sentence], call: Call
) -> AsyncGenerator[Sentence, None]:
    """Give what is said to another call, beyond what was `told` already; note it there."""
    answers = call.ports.answers
    patience_s = answers.follow_timeout_s if answers else 0.0
    with call.recorder.span("follow") as span:
        at = 0
        async with aclosing(seat.pieces(patience_s)) as pieces:
            async for sentence in pieces:
                at += 1
                if at <= len(told) and sentence.text != told[at - 1].text:
                    span.data["reason"] = OTHER_ANSWER
                    break
                if at > len(told):
                    told.append(sentence)
                    yield sentence
        span.data["ended"] = seat.end
        if seat.result and seat.end == "whole":
            span.data |= seat.result.told("shared")
            call.recalled = seat.result.recollected("shared")
            _take(seat.result, call)


async def _beyond(
    told: Sequence[Sentence], decided: Decided, call: Call
) -> AsyncGenerator[Sentence | Progressed, None]:
    """Give the sentences of an own answer behind those that were `told` before, as long as it begins so.

    What went out cannot be taken back: an answer that begins otherwise ends where it is, and says so.
    """
    call.begin_again()
    left = list(reversed(told))
    async with aclosing(decided.sentences) as sentences:
        async for sentence in sentences:
            if not left or isinstance(sentence, Progressed):
                yield sentence
            elif sentence.text == left[-1].text:
                call.released(left.pop())
            else:
                break
    if left:
        call.begin_again()
        for sentence in told:
            call.released(sentence)
        reply = Reply(sentences=(Sentence(CUT, ()),), outcome="fallback", reason=OTHER_ANSWER)
        call.replied(reply)
        yield reply.sentences[0]

"""The way of a call: the steps in the only order that type-checks. Reading `_way` is reading the product."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.kept import KeptAnswer
from buttress.gateway.ports import Ports
from buttress.gateway.steps.admit import admit
from buttress.gateway.steps.check import check
from buttress.gateway.steps.choose import choose
from buttress.gateway.steps.compose import compose
from buttress.gateway.steps.decide import decide, release_reply
from buttress.gateway.steps.follow import follow, give_again
from buttress.gateway.steps.inspect import inspect
from buttress.gateway.steps.keep import keeping
from buttress.gateway.steps.map import map_pieces
from buttress.gateway.steps.recall import recall
from buttress.gateway.steps.record import recorded
from buttress.gateway.steps.remember import keep_turn
from buttress.gateway.steps.retrieve import retrieve
from buttress.gateway.steps.rules import rules
from buttress.gateway.steps.send import send
from buttress.gateway.types import (
    Asked,
    Began,
    Cited,
    Decided,
    Ended,
    Event,
    Progressed,
    Recalled,
    Reply,
    Shared,
    Text,
)


async def answer(asked: Asked, ports: Ports) -> AsyncGenerator[Event, None]:
    """Take a question through every step; yield the answer as it is released.

    The first event is `Began`, the last is `Ended`, after the trace was written. Closing the iterator
    cancels what is under way, upstream included; the trace then says `cancelled`.

    Raises:
        ButtressError: the question was refused (unknown feature, wrong input), or failed in a way that even
            the fallback could not cover.
    """
    call = Call(asked, ports)
    with recorded(call), keeping(call):
        decided = await _way(asked, call)
        async with aclosing(decided.sentences) as sentences:
            yield Began(call.trace_id, None if decided.is_followed else call.cache)
            for event in call.news():
                yield event
            async for sentence in sentences:
                for event in call.news():
                    yield event
                if isinstance(sentence, Progressed):
                    yield sentence
                    continue
                call.released(sentence)
                yield Text(sentence.text)
                for citation in sentence.citations:
                    yield Cited(citation)
    keep_turn(call)
    for event in call.news():
        yield event
    yield Ended(call.answer())


async def _way(asked: Asked, call: Call) -> Decided:
    admitted = await admit(asked, call)
    chosen = await choose(admitted, call)
    inspected = await inspect(chosen, call)
    ruled = await rules(inspected, call)
    if isinstance(ruled, Reply):
        return release_reply(ruled, call)
    recalled = await recall(ruled, call)
    if isinstance(recalled, KeptAnswer):
        return give_again(recalled, call)
    if isinstance(recalled, Shared):
        return follow(recalled, call, _anew)
    return await _anew(recalled, call)


async def _anew(recalled: Recalled, call: Call) -> Decided:
    mapped = await map_pieces(recalled, call)
    if mapped is not None:
        return release_reply(mapped, call) if isinstance(mapped, Reply) else mapped
    retrieved = await retrieve(recalled, call)
    if isinstance(retrieved, Reply):
        return release_reply(retrieved, call)
    composed = await compose(retrieved, call)
    if isinstance(composed, Reply):
        return release_reply(composed, call)
    sent = send(composed, call)
    checked = check(sent, call)
    return decide(checked, call)


async def collect(events: AsyncGenerator[Event, None]) -> Ended:
    """Return the last event of an answer: for whoever wants it whole."""
    ended = [event async for event in events if isinstance(event, Ended)]
    return ended[-1]

"""Map: an answer from all of a long text, read in pieces: the release's way from the question to its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import DocumentAmbiguous, DocumentUnknown, InputInvalid
from buttress.gateway.mapping.citing import Citer
from buttress.gateway.mapping.rounds import Rounds
from buttress.gateway.mapping.task import Task, task_of
from buttress.gateway.steps.check import MAX_ANSWER_CHARACTERS, whole_sentences
from buttress.gateway.steps.fallback import CUT, NOTHING_TO_READ, fallback
from buttress.gateway.types import Decided, LeftOut, Mapped, Progressed, Recalled, Reply, Sentence
from buttress.guardrails.plain import visible
from buttress.kernel.errors import ButtressError
from buttress.releases.types import MapStage

MAX_NAMED = 20
"""Places that an answer names as left out; of more it says how many."""


async def map_pieces(recalled: Recalled, call: Call) -> Decided | Reply | None:
    """Return the answer under way; a reply where there is nothing to read, or it cannot be read just now.

    None for a release without a stage of `kind: map`.

    Raises:
        DocumentUnknown, DocumentAmbiguous, InputInvalid: the document that the input names.
    """
    inspected = recalled.ruled.inspected
    release = inspected.chosen.release
    stage = next((one for one in release.stages if isinstance(one, MapStage)), None)
    if stage is None:
        return None
    with call.recorder.span("read") as span:
        try:
            task = await task_of(stage, inspected, call)
        except (DocumentUnknown, DocumentAmbiguous, InputInvalid):
            raise
        except ButtressError as error:
            span.data["reason"] = error.code
            return fallback(release, (), error.code)
        span.data["characters"] = len(task.reading.text)
        span.data["pieces"] = len(task.pieces)
    return Decided(_answered(task, call)) if task.pieces else fallback(release, (), NOTHING_TO_READ)


async def _answered(task: Task, call: Call) -> AsyncGenerator[Sentence | Progressed, None]:
    rounds, reason = Rounds(task, call), ""
    with call.recorder.span("map") as span:
        try:
            async with aclosing(_sentences(task, rounds, call)) as sentences:
                async for one in sentences:
                    yield one
            reason = "" if call.has_model_spoken else NOTHING_TO_READ
        except ButtressError as error:
            reason = span.data["reason"] = error.code
        finally:
            call.mapped = rounds.mapped
            span.data |= _told(call.mapped) | ({"away": rounds.asker.away} if rounds.asker.away else {})
    if reason:
        reply = _instead(task, reason, call)
        call.replied(reply)
        for sentence in reply.sentences:
            yield sentence
    elif call.mapped.left_out:
        call.is_degraded = True
        yield Sentence(_notice(call.mapped.left_out), ())


async def _sentences(task: Task, rounds: Rounds, call: Call) -> AsyncGenerator[Sentence | Progressed, None]:
    """Give the sentences of the answer with what they cite, before them how far the reading is."""
    citer = Citer(task.reading, task.pieces, call.ports.guardrails.content_share)
    heard = 0
    async with aclosing(rounds.answer()) as answer:
        text = await _until_text(answer)
        while isinstance(text, Progressed):
            yield text
            text = await _until_text(answer)
        async with aclosing(whole_sentences(_joined(text, answer))) as texts:
            async for one in texts:
                said = visible(one)
                heard += len(said)
                if heard > MAX_ANSWER_CHARACTERS:
                    return
                call.has_model_spoken = call.has_model_spoken or bool(said.strip())
                yield citer.sentence(said)
                await asyncio.sleep(0)  # citing takes the processor; others wait for it, too


def _told(mapped: Mapped) -> dict[str, object]:
    """Return what the trace says of a reading."""
    left_out = [msgspec.structs.asdict(one) for one in mapped.left_out]
    return msgspec.structs.asdict(mapped) | {"left_out": left_out}


async def _until_text(answer: AsyncGenerator[str | Progressed, None]) -> str | Progressed:
    return await anext(answer, "")


async def _joined(first: str, answer: AsyncGenerator[str | Progressed, None]) -> AsyncGenerator[str, None]:
    yield first
    async for piece in answer:
        if isinstance(piece, str):
            yield piece


def _instead(task: Task, reason: str, call: Call) -> Reply:
    if call.has_model_spoken:
        return Reply(sentences=(Sentence(CUT, ()),), outcome="fallback", reason=reason)
    return fallback(task.release, (), reason)


def _notice(left_out: tuple[LeftOut, ...]) -> str:
    places = [one.place for one in left_out[:MAX_NAMED]]
    more = [f"{len(left_out) - MAX_NAMED} more"] if len(left_out) > MAX_NAMED else []
    return f"\n\n(Left out, because no model answered: {'; '.join([*places, *more])}.)"

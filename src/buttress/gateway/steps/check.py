"""Check: each sentence against the passages, while it streams: what may go out, and what must not."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.types import Checked, Composed, Sent, Sentence
from buttress.guardrails.leading import agrees, declines_only
from buttress.guardrails.markers import strip_markers
from buttress.guardrails.plain import visible
from buttress.guardrails.planted import cite_apart, judge_apart
from buttress.guardrails.sentences import MAX_SENTENCE_CHARACTERS, SentenceBuffer
from buttress.guardrails.support import standing
from buttress.guardrails.withholding import Judgement, LeadIn, Released, Withheld, in_own_words
from buttress.releases.types import RetrieveStage

MAX_LEADS = 6
MAX_LEAD_CHARACTERS = 400
"""What claims nothing is held back; more of it leads nowhere."""
MAX_ANSWER_CHARACTERS = 100_000
"""So much of an answer is checked, which is far beyond what models write; the rest is withheld."""


def check(sent: Sent, call: Call) -> Checked:
    """Return the answer sentence by sentence: released with its citations, or withheld.

    Where nothing was retrieved there is nothing to hold a sentence against: it is released as it is.
    """
    return Checked(sent, _checked(sent, call))


async def _checked(sent: Sent, call: Call) -> AsyncGenerator[Sentence | Withheld, None]:
    with call.recorder.span("check") as span:
        async with aclosing(whole_sentences(sent.text)) as texts:
            is_judged = withholds(sent.composed)
            sentences = (
                _judged(texts, sent.composed, call) if is_judged else _marked(texts, sent.composed, call)
            )
            async with aclosing(sentences):
                async for sentence in sentences:
                    yield sentence
        span.data["sentences"] = len(call.standings)


def withholds(composed: Composed) -> bool:
    """Say whether sentences that no passage bears out are kept back."""
    retrieves = any(isinstance(stage, RetrieveStage) for stage in composed.retrieved.release.stages)
    return retrieves and composed.stage.unsupported == "withhold"


async def _marked(
    texts: AsyncIterator[str], composed: Composed, call: Call
) -> AsyncGenerator[Sentence | Withheld, None]:
    share, heard = call.ports.guardrails.content_share, 0
    async for raw in texts:
        text = visible(raw)
        heard += len(text)
        if heard > MAX_ANSWER_CHARACTERS:
            yield Withheld(text, "too_long")
            return
        cited = cite_apart(text, composed.passages, content_share=share)
        is_claim = bool(text.strip())
        yield Sentence(text, cited.citations, standing(cited) if is_claim else None)
        await asyncio.sleep(0)


async def _judged(
    texts: AsyncIterator[str], composed: Composed, call: Call
) -> AsyncGenerator[Sentence | Withheld, None]:
    """Judge each sentence; what claims nothing waits for the next one that holds."""
    leads, heard, has_spoken = list[str](), 0, False
    async for text in _unrepeated(texts, composed, call):
        heard += len(text)
        judged = _judgement(text, composed, call, has_spoken=has_spoken)
        if heard > MAX_ANSWER_CHARACTERS:
            judged = Withheld(text, "too_long")
        if isinstance(judged, LeadIn):
            leads.append(judged.text)
            if _is_too_much(leads):
                break
        elif isinstance(judged, Released):
            yield _led(leads, judged, call)
            leads, has_spoken = [], True
        else:
            yield judged
            return  # what follows leans on it
        await asyncio.sleep(0)  # judging takes the processor; others wait for it, too
    if any(map(str.strip, leads)):
        yield Withheld("".join(leads), "leads_nowhere")


async def _unrepeated(texts: AsyncIterator[str], composed: Composed, call: Call) -> AsyncGenerator[str, None]:
    """Return the sentences of an answer; those of a weak model until it goes round in circles."""
    told = set[str]()
    async for text in texts:
        if _bare(text) in told and _is_of_backed(composed, call):
            return
        told.add(_bare(text))
        yield text


def _judgement(text: str, composed: Composed, call: Call, *, has_spoken: bool) -> Judgement:
    """Judge one sentence; behind others, it may also say what is not there, as long as it says no more."""
    share = call.ports.guardrails.content_share
    known = frozenset(word.text for word in composed.retrieved.asked if word.is_known)
    judged = judge_apart(text, composed.passages, content_share=share, asked=known)
    if _is_of_backed(composed, call):
        judged = in_own_words(judged)
    if has_spoken and isinstance(judged, Withheld) and judged.reason == "declined":
        said = strip_markers(judged.text)
        return Released(said, (), "uncited") if declines_only(said) else Withheld(judged.text, "uncited")
    return judged


def _is_too_much(leads: Sequence[str]) -> bool:
    return len(leads) > MAX_LEADS or sum(map(len, leads)) > MAX_LEAD_CHARACTERS


def _led(leads: Sequence[str], judged: Released, call: Call) -> Sentence:
    """Return a sentence with what leads to it; less a `Yes` or `No` that it does not bear out."""
    kept = [text for text in leads if agrees(text, judged.text)]
    if left_out := [text for text in leads if text not in kept]:
        call.withheld.append(Withheld("".join(left_out), "leads_nowhere"))
    return Sentence("".join(kept) + judged.text, judged.citations, judged.standing)


def _is_of_backed(composed: Composed, call: Call) -> bool:
    """Say whether a weak model speaks: the first of the ladder, as long as none has failed."""
    models = composed.retrieved.release.models_of(composed.stage)
    return models[0].backed and not call.attempts


def _bare(text: str) -> str:
    return " ".join(strip_markers(text).lower().split())


async def whole_sentences(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Return the sentences of a streamed text; each as soon as the next one has begun."""
    buffer = SentenceBuffer()
    async with aclosing(pieces) as stream:
        async for piece in stream:
            for at in range(0, len(piece), MAX_SENTENCE_CHARACTERS):  # whoever has heard enough may leave
                for sentence in buffer.feed(piece[at : at + MAX_SENTENCE_CHARACTERS]):
                    yield sentence
    for sentence in buffer.finish():
        yield sentence

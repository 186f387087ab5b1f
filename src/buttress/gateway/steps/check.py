"""Check: each sentence against the passages, while it streams: what may go out, and what must not."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.types import Checked, Composed, Sent, Sentence
from buttress.guardrails.citations import cite_sentence
from buttress.guardrails.markers import strip_markers
from buttress.guardrails.sentences import SentenceBuffer
from buttress.guardrails.support import standing
from buttress.guardrails.withholding import LeadIn, Released, Withheld, in_own_words, judge
from buttress.releases.types import RetrieveStage


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
    share = call.ports.guardrails.content_share
    async for text in texts:
        cited = cite_sentence(text, composed.passages, content_share=share)
        is_claim = bool(text.strip())
        yield Sentence(text, cited.citations, standing(cited) if is_claim else None)


async def _judged(
    texts: AsyncIterator[str], composed: Composed, call: Call
) -> AsyncGenerator[Sentence | Withheld, None]:
    """Judge each sentence; what claims nothing waits for the next one that holds."""
    share = call.ports.guardrails.content_share
    lead, has_spoken, told = "", False, set[str]()
    async for text in texts:
        judged = judge(text, composed.passages, content_share=share)
        if _is_of_backed(composed, call):
            judged = in_own_words(judged)
            if _bare(text) in told:
                return  # it goes round in circles
            told.add(_bare(text))
        if isinstance(judged, LeadIn):
            lead += text
        elif isinstance(judged, Released):
            yield Sentence(lead + judged.text, judged.citations, judged.standing)
            lead, has_spoken = "", True
        elif judged.reason == "declined" and has_spoken:
            yield Sentence(lead + judged.text, (), "uncited")  # what is not there is worth saying
            lead = ""
        else:
            yield judged
            return  # what follows leans on it
    if lead.strip():
        yield Withheld(lead, "leads_nowhere")


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
            for sentence in buffer.feed(piece):
                yield sentence
    for sentence in buffer.finish():
        yield sentence

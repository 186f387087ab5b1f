"""Check: each sentence's citations against the passages' characters, while it streams."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.types import Checked, Sent, Sentence
from buttress.guardrails.citations import cite_sentence
from buttress.guardrails.sentences import SentenceBuffer
from buttress.kernel.passages import CitationState


def check(sent: Sent, call: Call) -> Checked:
    """Return the answer sentence by sentence, each with its citations and their states."""
    return Checked(sent, _sentences(sent, call))


async def _sentences(sent: Sent, call: Call) -> AsyncGenerator[Sentence, None]:
    passages, share = sent.composed.passages, call.ports.guardrails.content_share
    states = dict.fromkeys(CitationState, 0)
    missing: list[int] = []
    with call.recorder.span("check") as span:
        async with aclosing(_whole_sentences(sent.text)) as sentences:
            async for text in sentences:
                cited = cite_sentence(text, passages, content_share=share)
                missing.extend(cited.missing)
                for citation in cited.citations:
                    states[citation.state] += 1
                yield Sentence(text, cited.citations)
        span.data |= {state.value: count for state, count in states.items()}
        span.data["missing"] = len(missing)


async def _whole_sentences(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    buffer = SentenceBuffer()
    async with aclosing(pieces) as stream:
        async for piece in stream:
            for sentence in buffer.feed(piece):
                yield sentence
    for sentence in buffer.finish():
        yield sentence

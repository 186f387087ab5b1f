"""Quote: how an answer goes on without its model, in the words of the passages."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.steps.check import whole_sentences
from buttress.gateway.steps.send import spoken
from buttress.gateway.types import Composed, Sentence
from buttress.guardrails.citations import cite_sentence
from buttress.guardrails.support import standing
from buttress.kernel.passages import Citation, CitationState
from buttress.models.errors import NoRungLeft
from buttress.models.providers.extractive import EXTRACTIVE


async def quoted(composed: Composed, call: Call) -> AsyncGenerator[Sentence, None]:
    """Return sentences of the passages that answer the question and were not told yet; there may be none."""
    share, told = call.ports.guardrails.content_share, tuple(call.citations)
    gap = "\n\n" if call.text else ""
    try:
        async with aclosing(whole_sentences(spoken(composed, (EXTRACTIVE,), call))) as sentences:
            async for text in sentences:
                cited = cite_sentence(text, composed.passages, content_share=share)
                if not _is_told(cited.citations, told):
                    yield Sentence(gap + (text.lstrip() if gap else text), cited.citations, standing(cited))
                    gap = ""
    except NoRungLeft:
        return


def _is_told(citations: Sequence[Citation], told: Sequence[Citation]) -> bool:
    """Say whether the same words were quoted before; a whole passage that was pointed to is not told."""
    quotes = [one for one in told if one.state == CitationState.VERBATIM]
    return all(any(_overlap(one, quote) for quote in quotes) for one in citations)


def _overlap(one: Citation, other: Citation) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end

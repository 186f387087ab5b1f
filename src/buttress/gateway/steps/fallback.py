"""The fallback: what is said when there is no answer. Needs no model, and never fails."""

from collections.abc import Sequence

from buttress.gateway.types import Composed, Reply, Sentence
from buttress.kernel.passages import CitationState, Passage, cite
from buttress.kernel.sentences import sentence_spans
from buttress.models.errors import NothingToQuote
from buttress.models.units import body_span
from buttress.releases.types import Fallback, FallbackText, Release

QUOTED_CHARACTERS = 300
"""A quote begins behind the headings, and ends with the last whole sentence within this many characters."""

NOTHING_RELEVANT = "retrieve.nothing_relevant"
QUOTED = "compose.quoted"
"""Why the answer is the passages themselves: the feature has no stage that writes one."""

NOTHING_TO_READ = "map.nothing"
"""Why there is no answer from a long text: it is empty, or no piece of it holds anything for the request."""

WITHHELD = "check.withheld"
DECLINED = "check.declined"

_NOT_IN_THE_DOCUMENTS = frozenset(
    {NOTHING_RELEVANT, QUOTED, NOTHING_TO_READ, WITHHELD, DECLINED, NothingToQuote.code}
)
"""The reasons that a feature's own text is for; with any other one something failed, and that is said."""

NOT_WRITTEN = "There is no answer just now: the model that was to write it failed. Please ask again."
NOT_SEARCHED = "There is no answer just now: the documents cannot be searched. Please ask again later."
NOT_MADE = "There is no answer just now: something failed on the way to it."

CUT = "\n\n(The answer was cut off here.)"
UNCONFIRMED = "\n\n(Nothing more was found in the documents.)"


def fallback(release: Release, passages: Sequence[Passage], reason: str) -> Reply:
    """Return the release's fallback: its text, and below it the closest passages if it quotes them.

    What speaks to an assistant is not quoted. Where something failed, that is said in place of the text:
    nobody knows then what the documents hold.
    """
    declared = release.fallback
    quotable = [passage for passage in passages if body_span(passage.text)]
    quoted = () if isinstance(declared, FallbackText) else tuple(quotable[: declared.limit])
    sentences = (Sentence(_text(declared, reason), ()), *_quotes(quoted))
    return Reply(sentences=sentences, outcome="fallback", reason=reason, passages=quoted)


def _text(declared: Fallback, reason: str) -> str:
    if reason in _NOT_IN_THE_DOCUMENTS:
        return declared.text
    failed = {"models": NOT_WRITTEN, "knowledge": NOT_SEARCHED}
    return failed.get(reason.partition(".")[0], NOT_MADE)


def cut_reply(composed: Composed, reason: str, notice: str = CUT) -> Reply:
    """Return what follows an answer that ended early: the `notice` why, and the passages it stood on."""
    declared = composed.retrieved.release.fallback
    quoted = () if isinstance(declared, FallbackText) else composed.passages[:2]
    # The passages keep the numbers that the text released so far refers to.
    return Reply(
        sentences=(Sentence(notice, ()), *_quotes(quoted)),
        outcome="fallback",
        reason=reason,
        passages=composed.passages,
    )


def _quotes(passages: Sequence[Passage]) -> list[Sentence]:
    quotes = [_quote(number, passage) for number, passage in enumerate(passages, start=1)]
    told = [quote for quote in quotes if quote]
    return [Sentence("\n\nThe closest passages:", ()), *told] if told else []


def _quote(number: int, passage: Passage) -> Sentence | None:
    span = body_span(passage.text)
    if span is None:
        return None
    start, end = _quoted_span(passage.text, *span)
    quote = passage.text[start:end]
    citation = cite(passage, number, quote, CitationState.VERBATIM, (start, end))
    lines = " ".join(quote.split())
    return Sentence(f"\n\n> {lines} [{number}]", (citation,))


def _quoted_span(text: str, start: int, end: int) -> tuple[int, int]:
    ends = [stop for _, stop in sentence_spans(text[start:end]) if stop <= QUOTED_CHARACTERS]
    return start, start + (ends[-1] if ends else min(end - start, QUOTED_CHARACTERS))

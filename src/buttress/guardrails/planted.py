"""No sentence of an answer may stand on what a document says to an assistant. Pure."""

from collections.abc import Sequence

import msgspec

from buttress.guardrails.citations import CitedSentence, cite_sentence
from buttress.guardrails.withholding import Judgement, Released, Withheld, judge
from buttress.kernel.addressed import addressed_spans, without_addressed
from buttress.kernel.passages import Citation, Passage


def judge_apart(
    text: str, passages: Sequence[Passage], *, content_share: float, asked: frozenset[str] = frozenset()
) -> Judgement:
    """Return what is to be done with one sentence, as `withholding.judge` does, by what is said to readers.

    What only a planted instruction bears out is withheld as an `instruction`.
    """
    if not _has_planted(passages):
        return judge(text, passages, content_share=content_share, asked=asked)
    judged = judge(text, _without_planted(passages), content_share=content_share, asked=asked)
    if isinstance(judged, Released):
        return msgspec.structs.replace(judged, citations=_requoted(judged.citations, passages))
    if isinstance(judge(text, passages, content_share=content_share, asked=asked), Released):
        return Withheld(judged.text, "instruction")
    return judged


def cite_apart(text: str, passages: Sequence[Passage], *, content_share: float) -> CitedSentence:
    """Return one sentence with what it cites, as `citations.cite_sentence`, by what is said to readers."""
    if not _has_planted(passages):
        return cite_sentence(text, passages, content_share=content_share)
    cited = cite_sentence(text, _without_planted(passages), content_share=content_share)
    return msgspec.structs.replace(cited, citations=_requoted(cited.citations, passages))


def _has_planted(passages: Sequence[Passage]) -> bool:
    return any(addressed_spans(one.text) for one in passages)


def _without_planted(passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages with line breaks in place of what is planted; every place stays where it was."""
    return [msgspec.structs.replace(one, text=without_addressed(one.text)) for one in passages]


def _requoted(citations: Sequence[Citation], passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """Return the citations with the characters that stand in the documents at their places."""
    return tuple(
        msgspec.structs.replace(one, quote=_at(passages[one.number - 1], one.start, one.end))
        for one in citations
    )


def _at(passage: Passage, start: int, end: int) -> str:
    return passage.text[start - passage.start : end - passage.start]

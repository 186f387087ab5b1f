"""Whether a sentence of an answer may be released: its facts and its citations must hold. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from buttress.guardrails.citations import CitedSentence, cite_sentence, source_of
from buttress.guardrails.facts import share_of_terms
from buttress.guardrails.leading import answer_word, declines, opens
from buttress.guardrails.markers import strip_markers, without_numbers
from buttress.guardrails.plain import visible
from buttress.guardrails.reading import read_claim
from buttress.guardrails.sentences import MAX_SENTENCE_CHARACTERS
from buttress.guardrails.support import Standing, standing
from buttress.kernel.passages import Citation, Passage

Reason = Literal["unsupported", "uncited", "declined", "leads_nowhere", "reworded", "too_long", "instruction"]
"""Why a sentence was withheld: no passage bears out what it cites; it cites nothing and no passage says it;
it says that there is no answer; it leads to nothing that could be released; it is a weak model's, and in
no passage word for word; it, or the answer, is too long to be checked; nothing bears it out but what a
document says to an assistant."""

MAX_JUDGED_CHARACTERS = MAX_SENTENCE_CHARACTERS - 1
"""What comes in pieces of the longest kind had no end."""

_MIN_WORDS = 3
_QUOTED_SHARE = 0.8
"""So much of a weak model's sentence stands in the passage: not just some words in quotation marks."""
_HOLDING: frozenset[Standing] = frozenset({"verbatim", "supported"})


class Released(msgspec.Struct, frozen=True):
    """A sentence that holds, as it may go out; what it cites, and what it stands on."""

    text: str
    citations: tuple[Citation, ...]
    standing: Standing


class LeadIn(msgspec.Struct, frozen=True):
    """A sentence that claims nothing by itself; it may go out with the one it leads to."""

    text: str


class Withheld(msgspec.Struct, frozen=True):
    """A sentence that must not go out."""

    text: str
    reason: Reason


Judgement = Released | LeadIn | Withheld


def judge(
    text: str, passages: Sequence[Passage], *, content_share: float, asked: frozenset[str] = frozenset()
) -> Judgement:
    """Return what is to be done with one sentence, given with the white space around it.

    What is released is borne out by the passage it cites (see `citations.cite_sentence`). Markers of
    passages that there are not are taken out; a sentence that cites nothing, or the wrong passage, is
    released under the number of the passage that bears it out best, if one does.
    """
    text = visible(text)
    if len(text) > MAX_JUDGED_CHARACTERS:
        return Withheld(text, "too_long")
    if opens(text) or answer_word(text):
        return LeadIn(text)
    cited = cite_sentence(text, passages, content_share=content_share, asked=asked)
    if standing(cited) in _HOLDING:
        return Released(without_numbers(text, cited.missing), cited.citations, standing(cited))
    attributed = None if cited.is_contradicted else _attributed(text, passages, content_share, asked)
    if attributed:
        return attributed
    if declines(cited.sentence.text):
        return Withheld(text, "declined")
    return Withheld(text, "unsupported" if cited.sentence.numbers else "uncited")


def in_own_words(judged: Judgement) -> Judgement:
    """Return what is to be done with the sentence of a weak model: only a passage's own sentence goes out.

    Of its other sentences, also of those that hold, most are no answer to anything.
    """
    if isinstance(judged, Withheld) or not judged.text.strip():
        return judged
    if isinstance(judged, Released) and judged.standing == "verbatim":
        bare = strip_markers(judged.text).strip()
        quoted = max(one.end - one.start for one in judged.citations)
        if quoted >= _QUOTED_SHARE * len(bare) and len(bare.split()) > _MIN_WORDS:
            return judged
    return Withheld(judged.text, "reworded")


def _attributed(
    text: str, passages: Sequence[Passage], content_share: float, asked: frozenset[str]
) -> Released | None:
    """Return the sentence under the number of the passage that bears it out best, if one does."""
    bare = strip_markers(text)
    end = len(bare.rstrip())
    if bare[:end].endswith("|"):
        end = len(bare[: end - 1].rstrip())  # behind the last bar it would be a cell of its own
    marked = [f"{bare[:end]} [{number}]{bare[end:]}" for number in range(1, len(passages) + 1)]
    cited = [cite_sentence(one, passages, content_share=content_share, asked=asked) for one in marked]
    holding = [at for at, one in enumerate(cited) if standing(one) in _HOLDING]
    if not holding:
        return None
    best = max(holding, key=lambda at: (*_strength(cited[at], passages[at]), -at))
    return Released(marked[best], cited[best].citations, standing(cited[best]))


def _strength(cited: CitedSentence, passage: Passage) -> tuple[bool, float]:
    claim = read_claim(cited.sentence.text)
    return standing(cited) == "verbatim", share_of_terms(claim, source_of(passage))

"""What each sentence of an answer cites, and whether the passage it points to bears it out. Pure."""

import re
from collections.abc import Sequence

import msgspec

from buttress.guardrails.facts import claim_of, holds, is_contradicted, share_of_terms
from buttress.guardrails.folding import Folded, find, fold, normalised
from buttress.guardrails.markers import MarkedSentence, read_sentence
from buttress.kernel.passages import Citation, CitationState, Passage, cite
from buttress.kernel.sentences import split_sentences

_QUOTED = re.compile(r"[\"“„«](?P<quote>[^\"“”„«»]+)[\"”“»]")
_MIN_QUOTED_WORDS = 3
_MIN_TERMS = 2
_MIN_PART = 0.3
"""Of passages cited together, one must hold at least this share of the words to count as supporting."""


class CitedSentence(msgspec.Struct, frozen=True):
    """A sentence of an answer with its citations; `missing` are cited numbers that no passage has."""

    sentence: MarkedSentence
    citations: tuple[Citation, ...]
    missing: tuple[int, ...] = ()


def cite_sentence(text: str, passages: Sequence[Passage], *, content_share: float) -> CitedSentence:
    """Return one sentence, as the answer has it, with what it cites of `passages` (the first is number 1).

    A citation is `verbatim` when the sentence, or what it quotes, stands in the passage in these words; its
    `start` and `end` then hold them. It is `supported` when all facts of the sentence and at least
    `content_share` of its words are in the passage, or in the passages it cites together. Else it is
    `unsupported`.
    """
    sentence = read_sentence(text)
    known = [number for number in sentence.numbers if 1 <= number <= len(passages)]
    cited = [passages[number - 1] for number in known]
    together = "\n\n".join(passage.text for passage in cited)
    citations = []
    for number, passage in zip(known, cited, strict=True):
        place = _verbatim(sentence.text, passage)
        state = CitationState.VERBATIM if place else _state(sentence.text, passage, together, content_share)
        whole = (0, len(passage.text))
        citations.append(cite(passage, number, sentence.text, state, place or whole))
    missing = tuple(number for number in sentence.numbers if number not in known)
    return CitedSentence(sentence, tuple(citations), missing)


def _verbatim(sentence: str, passage: Passage) -> tuple[int, int] | None:
    """Return where the passage's text has the sentence, or what it quotes where its other facts hold, too."""
    folded = fold(passage.text)
    needle = normalised(sentence)
    if len(needle.split()) < _MIN_QUOTED_WORDS:
        return _short(needle, passage, folded)
    return find(needle, folded) or _quoted(sentence, passage, folded)


def _short(needle: str, passage: Passage, folded: Folded) -> tuple[int, int] | None:
    """Look for a sentence of a word or two: it must be a whole sentence there ("No." is in many a text)."""
    whole = any(normalised(sentence) == needle for sentence in split_sentences(passage.text))
    return find(needle, folded) if whole else None


def _quoted(sentence: str, passage: Passage, folded: Folded) -> tuple[int, int] | None:
    quotes = [normalised(found["quote"]) for found in _QUOTED.finditer(sentence)]
    places = [find(quote, folded) for quote in quotes if len(quote.split()) >= _MIN_QUOTED_WORDS]
    rest = _QUOTED.sub(" ", sentence)
    if not places or None in places or not holds(passage.text, claim_of(rest).facts):
        return None
    return places[0]


def _state(sentence: str, passage: Passage, together: str, content_share: float) -> CitationState:
    claim = claim_of(sentence)
    alone = _supports(passage.text, sentence, content_share)
    part = share_of_terms(passage.text, claim.terms) >= _MIN_PART
    if alone or (part and _supports(together, sentence, content_share)):
        return CitationState.SUPPORTED
    return CitationState.UNSUPPORTED


def _supports(text: str, sentence: str, content_share: float) -> bool:
    claim = claim_of(sentence)
    has_words = len(claim.terms) >= _MIN_TERMS and share_of_terms(text, claim.terms) >= content_share
    return has_words and holds(text, claim.facts) and not is_contradicted(claim, text)

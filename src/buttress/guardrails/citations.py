"""What each sentence of an answer cites, and whether the passage it points to bears it out. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from buttress.guardrails.contests import is_denied
from buttress.guardrails.facts import bears_out, holds, names_of_most, share_of_terms, speaks_against
from buttress.guardrails.folding import Folded, find, fold_kept, normalised
from buttress.guardrails.markers import MarkedSentence, read_sentence
from buttress.guardrails.reading import Reading, read_kept, read_text
from buttress.kernel.passages import Citation, CitationState, Passage, cite
from buttress.kernel.sentences import split_sentences

_QUOTED = re.compile(r"[\"“„«](?P<quote>[^\"“”„«»]+)[\"”“»]")
_LEFT_OUT = re.compile(r"\s*(?:\[?(?:\.{3}|…)\]?)\s*")
_MIN_QUOTED_WORDS = 3
_UNSUPPORTED = CitationState.UNSUPPORTED
_MIN_PART = 0.3
"""Of passages cited together, one must hold at least this share of the words to count as supporting."""


class CitedSentence(msgspec.Struct, frozen=True):
    """A sentence of an answer with its citations; `missing` are cited numbers that no passage has.

    It is contradicted when a passage that it cites speaks of the same, and says something else.
    """

    sentence: MarkedSentence
    citations: tuple[Citation, ...]
    missing: tuple[int, ...] = ()
    is_contradicted: bool = False


class _Claim(msgspec.Struct, frozen=True):
    """A sentence without markers, read once; its folded words, and what it quotes."""

    text: str
    reading: Reading
    needle: str
    quotes: tuple[str, ...]


class _Asked(msgspec.Struct, frozen=True):
    """What is asked of passages: the claim, names that are given, and the share of words to be found."""

    claim: _Claim
    given: frozenset[str]
    content_share: float


@lru_cache(maxsize=8)
def _claim(sentence: str) -> _Claim:
    """Return the claim of a sentence; kept, since it is held against one passage after the other."""
    return _Claim(sentence, read_text(sentence), normalised(sentence), _quotes(sentence))


@lru_cache(maxsize=32)
def _given(sources: tuple[str, ...]) -> frozenset[str]:
    return names_of_most([read_kept(source) for source in sources])


def cite_sentence(text: str, passages: Sequence[Passage], *, content_share: float) -> CitedSentence:
    """Return one sentence, as the answer has it, with what it cites of `passages` (the first is number 1).

    A citation is `verbatim` when the sentence, or what it quotes, stands in the passage in these words; its
    `start` and `end` then hold them. It is `supported` when the passage, under its headings, or the passages
    cited together, bear the sentence out (see `facts.bears_out`). Else, and whenever a quotation stands in
    none of them, it is `unsupported`.
    """
    sentence = read_sentence(text)
    known = [number for number in sentence.numbers if 1 <= number <= len(passages)]
    cited = [passages[number - 1] for number in known]
    asked = _Asked(_claim(sentence.text), _given(tuple(map(_with_headings, passages))), content_share)
    found = [_state(asked, passage, cited) for passage in cited]
    is_contradicted = not any(state == "verbatim" for state, _ in found) and _is_contradicted(
        asked.claim, cited
    )
    citations = (
        cite(passage, number, sentence.text, _UNSUPPORTED if is_contradicted else state, place)
        for number, passage, (state, place) in zip(known, cited, found, strict=True)
    )
    missing = tuple(number for number in sentence.numbers if number not in known)
    return CitedSentence(sentence, tuple(citations), missing, is_contradicted)


def _is_contradicted(claim: _Claim, cited: Sequence[Passage]) -> bool:
    sources = map(source_of, cited)
    return any(speaks_against(claim.reading, one) for one in sources)


def _state(
    asked: _Asked, passage: Passage, cited: Sequence[Passage]
) -> tuple[CitationState, tuple[int, int]]:
    """Return what the passage, one of those cited, is to the claim; and where."""
    whole = (0, len(passage.text))
    claim = asked.claim
    if place := _verbatim(claim, passage):
        return CitationState.VERBATIM, place
    if not all(any(find(quote, fold_kept(one.text)) for one in cited) for quote in claim.quotes):
        return _UNSUPPORTED, whole
    if place := _quoted(claim, passage):
        return CitationState.VERBATIM, place
    return (CitationState.SUPPORTED if _is_supported(asked, passage, cited) else _UNSUPPORTED), whole


def _is_supported(asked: _Asked, passage: Passage, cited: Sequence[Passage]) -> bool:
    own = source_of(passage)
    if _bears_out(own, asked):
        return True
    if len(cited) == 1 or share_of_terms(asked.claim.reading, own) < _MIN_PART:
        return False
    return _bears_out(read_kept("\n\n".join(map(_with_headings, cited))), asked)


def _bears_out(source: Reading, asked: _Asked) -> bool:
    return bears_out(asked.claim.reading, source, content_share=asked.content_share, given=asked.given)


def source_of(passage: Passage) -> Reading:
    """Return a passage as the rules read it, under its headings."""
    return read_kept(_with_headings(passage))


def _with_headings(passage: Passage) -> str:
    """Return the text under its headings: what a passage is about is often said only there."""
    return "\n\n".join(dict.fromkeys((passage.title, *passage.section, passage.text)))


def _quoted(claim: _Claim, passage: Passage) -> tuple[int, int] | None:
    """Return where the first quotation stands, when the passage has them all and the facts beside them."""
    places = [find(quote, fold_kept(passage.text)) for quote in claim.quotes]
    own = source_of(passage)
    beside = read_text(_QUOTED.sub(" ", claim.text))
    if not places or None in places or not holds(beside, own) or is_denied(beside, own):
        return None
    return places[0]


def _verbatim(claim: _Claim, passage: Passage) -> tuple[int, int] | None:
    """Return where the passage's text has the sentence, word for word."""
    folded = fold_kept(passage.text)
    if len(claim.needle.split()) < _MIN_QUOTED_WORDS:
        return _short(claim.needle, passage, folded)
    return find(claim.needle, folded)


def _short(needle: str, passage: Passage, folded: Folded) -> tuple[int, int] | None:
    """Look for a sentence of a word or two: it must be a whole sentence there ("No." is in many a text)."""
    whole = any(normalised(sentence) == needle for sentence in split_sentences(passage.text))
    return find(needle, folded) if whole else None


def _quotes(sentence: str) -> tuple[str, ...]:
    """Return what a sentence quotes: three words and more; what was left out of a quotation divides it."""
    parts = (part for found in _QUOTED.finditer(sentence) for part in _LEFT_OUT.split(found["quote"]))
    return tuple(quote for quote in map(normalised, parts) if len(quote.split()) >= _MIN_QUOTED_WORDS)

"""What each sentence of an answer cites, and whether the passage it points to bears it out. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from buttress.guardrails.clauses import clauses, is_cut_off
from buttress.guardrails.facts import (
    bears_out,
    bears_out_clause,
    holds,
    names_of_most,
    share_of_terms,
    speaks_against,
)
from buttress.guardrails.folding import Folded, find, fold_kept, normalised
from buttress.guardrails.markers import MarkedSentence, read_sentence
from buttress.guardrails.reading import Reading, read_claim, read_kept, term_of
from buttress.guardrails.tables import is_displaced
from buttress.kernel.passages import Citation, CitationState, Passage, cite
from buttress.kernel.sentences import split_sentences

_QUOTED = re.compile(r"[\"“„«](?P<quote>[^\"“”„«»]+)[\"”“»]")
_TELLING = frozenset(
    map(
        term_of,
        """say says said state states stated tell tells told write writes written read reads quote quotes put
        mention mentions explain explains note notes document documents documentation passage passages page
        text terms policy according word words term clear clearly exactly promise promises specify specifies
        """.split(),  # noqa: SIM905 - a list of words
    )
)
"""Words around a quotation that say no more than that it is one."""
_LEFT_OUT = re.compile(r"\s*(?:\[?(?:\.{3}|…)\]?)\s*")
_MIN_QUOTED_WORDS = 3
_MAX_CLAUSES = 24
"""A sentence of more clauses is a list that nobody reads as one claim."""
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


class _Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence without markers, read once: as a whole, by its clauses, and what is beside what it quotes.

    `needle` is the sentence, and `quotes` what it quotes, folded.
    """

    text: str
    reading: Reading
    clauses: tuple[Reading, ...]
    beside: Reading
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
    quotes = _quotes(sentence)
    beside = _QUOTED.sub(" ", sentence) if quotes else ""
    return _Claim(
        text=sentence,
        reading=read_claim(sentence),
        clauses=tuple(map(read_claim, clauses(beside or sentence))),
        beside=read_claim(beside),
        needle=normalised(sentence),
        quotes=quotes,
    )


@lru_cache(maxsize=32)
def _given(sources: tuple[str, ...], asked: frozenset[str]) -> frozenset[str]:
    return names_of_most([read_kept(source) for source in sources]) | {
        f"name:{term_of(word)}" for word in asked
    }


def cite_sentence(
    text: str, passages: Sequence[Passage], *, content_share: float, asked: frozenset[str] = frozenset()
) -> CitedSentence:
    """Return one sentence, as the answer has it, with what it cites of `passages` (the first is number 1).

    A citation is `verbatim` when the sentence, or what it quotes, stands in the passage in these words; its
    `start` and `end` then hold them. It is `supported` when the passage, under its headings, or the passages
    cited together, bear the sentence out (see `facts.bears_out`); names that are words of `asked` are known:
    those of the question that stand in a document. Else, and whenever a quotation stands in
    none of them, it is `unsupported`.
    """
    sentence = read_sentence(text)
    known = [number for number in sentence.numbers if 1 <= number <= len(passages)]
    cited = [passages[number - 1] for number in known]
    given = _given(tuple(map(_with_headings, passages)), asked)
    wanted = _Asked(_claim(sentence.text), given, content_share)
    found = [_state(wanted, passage, cited) for passage in cited]
    is_contradicted = not any(state == "verbatim" for state, _ in found) and _is_contradicted(
        wanted.claim, cited
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
    if _is_part(claim, passage):
        return _UNSUPPORTED, whole
    if not all(any(find(quote, fold_kept(one.text)) for one in cited) for quote in claim.quotes):
        return _UNSUPPORTED, whole
    if place := _quoted(claim, passage):
        return CitationState.VERBATIM, place
    return (CitationState.SUPPORTED if _is_supported(asked, passage, cited) else _UNSUPPORTED), whole


def _is_supported(asked: _Asked, passage: Passage, cited: Sequence[Passage]) -> bool:
    own = source_of(passage)
    parts = (asked.claim.reading, *asked.claim.clauses[:_MAX_CLAUSES])
    if any(is_displaced(part, passage.text) for part in parts):
        return False
    if _bears_out(own, asked):
        return True
    if len(cited) == 1 or share_of_terms(asked.claim.reading, own) < _MIN_PART:
        return False
    return _bears_out(read_kept("\n\n".join(map(_with_headings, cited))), asked)


def _bears_out(source: Reading, asked: _Asked) -> bool:
    claim = asked.claim
    if len(claim.clauses) > _MAX_CLAUSES or not bears_out(
        claim.reading, source, content_share=asked.content_share, given=asked.given
    ):
        return False
    if claim.quotes and share_of_terms(claim.beside, source) < asked.content_share:
        return set(claim.beside.terms) <= _TELLING
    return all(bears_out_clause(clause, source) for clause in claim.clauses)


def source_of(passage: Passage) -> Reading:
    """Return a passage as the rules read it, under its headings."""
    return read_kept(_with_headings(passage))


def _with_headings(passage: Passage) -> str:
    """Return the text under its headings: what a passage is about is often said only there."""
    return "\n\n".join(dict.fromkeys((passage.title, *passage.section, passage.text)))


def _quoted(claim: _Claim, passage: Passage) -> tuple[int, int] | None:
    """Return where the first quotation stands, when the passage has them all and the facts beside them."""
    places = [_whole(quote, passage) for quote in claim.quotes]
    if not places or None in places or not set(claim.beside.terms) <= _TELLING:
        return None
    is_plain = holds(claim.beside, source_of(passage)) and not claim.beside.near_denials
    return places[0] if is_plain else None


def _verbatim(claim: _Claim, passage: Passage) -> tuple[int, int] | None:
    """Return where the passage's text has the sentence, word for word."""
    folded = fold_kept(passage.text)
    if len(claim.needle.split()) < _MIN_QUOTED_WORDS:
        return _short(claim.needle, passage, folded)
    return _whole(claim.needle, passage)


def _is_part(claim: _Claim, passage: Passage) -> bool:
    """Say whether the passage has the sentence, or what it quotes, only with what denies or limits it."""
    folded = fold_kept(passage.text)
    long = (one for one in (claim.needle, *claim.quotes) if len(one.split()) >= _MIN_QUOTED_WORDS)
    return any(find(one, folded) and not _whole(one, passage) for one in long)


def _whole(needle: str, passage: Passage) -> tuple[int, int] | None:
    """Return where `needle` stands with all that denies it there, or makes it conditional."""
    place = find(needle, fold_kept(passage.text))
    return place if place and not is_cut_off(needle, passage.text, place) else None


def _short(needle: str, passage: Passage, folded: Folded) -> tuple[int, int] | None:
    """Look for a sentence of a word or two: it must be a whole sentence there ("No." is in many a text)."""
    whole = any(normalised(sentence) == needle for sentence in split_sentences(passage.text))
    return find(needle, folded) if whole else None


def _quotes(sentence: str) -> tuple[str, ...]:
    """Return what a sentence quotes: three words and more; what was left out of a quotation divides it."""
    parts = (part for found in _QUOTED.finditer(sentence) for part in _LEFT_OUT.split(found["quote"]))
    return tuple(quote for quote in map(normalised, parts) if len(quote.split()) >= _MIN_QUOTED_WORDS)

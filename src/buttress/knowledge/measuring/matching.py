"""Which labels a passage answers, and what that makes of a ranking of passages. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.kernel.words import words
from buttress.knowledge.measuring.types import LabelledQuery, Relevant

QUOTED_SHARE = 0.5
"""From this share of a quote's word triples on, a passage holds the quote: chunks may end inside of one."""


def gains_of(labelled: LabelledQuery) -> dict[str, float]:
    """Return the grades of the labels, by their keys."""
    return {key_of(one): one.grade for one in labelled.relevant}


def key_of(relevant: Relevant) -> str:
    """Return what names a label among those of its query; of a whole document that is its path."""
    return "\n".join(filter(None, (relevant.document, *relevant.section, relevant.quote)))


def answered_by(passage: Passage, labels: Sequence[Relevant]) -> tuple[str, ...]:
    """Return the keys of the labels that `passage` answers; of none, what it is instead: its document.

    Where the labels of a document are places in it, its other passages are something else than those.
    """
    of_document = [one for one in labels if one.document == passage.document]
    keys = tuple(key_of(one) for one in of_document if _holds(passage, one))
    if keys or not of_document:
        return keys or (passage.document,)
    return (f"{passage.document}\n",)  # no label ends like this


def in_order(hits: Iterable[ChunkId], answered: Mapping[ChunkId, Sequence[str]]) -> list[str]:
    """Return what passages answer in their order, each once: a document ranks where its best passage does."""
    return list(dict.fromkeys(key for hit in hits for key in answered[hit]))


def _holds(passage: Passage, label: Relevant) -> bool:
    if label.section and passage.section[: len(label.section)] != label.section:
        return False
    return not label.quote or _shared(label.quote, passage.text) >= QUOTED_SHARE


def _shared(quote: str, text: str) -> float:
    """Return the share of the quote's word triples that stand in `text`."""
    asked = _triples(quote)
    return len(asked & _triples(text)) / len(asked) if asked else 0.0


def _triples(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    size = min(3, len(found))
    return {tuple(found[at : at + size]) for at in range(len(found) - size + 1)} if found else set()

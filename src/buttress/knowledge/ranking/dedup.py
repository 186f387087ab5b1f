"""Which passages say nothing that a better one does not say already. Pure.

One measure covers copies, parts and near-copies: the share of a passage's word triples that stand in a better
passage. A passage that brings a number or a negation of its own is never left out: `14 days` and `30 days` in
otherwise equal texts are two facts, and hiding one of them would be the worse mistake.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from buttress.kernel.ids import DocumentId
from buttress.kernel.words import words
from buttress.knowledge.search_types import Candidate

SAME_SHARE = 0.9
"""From this share of triples on, a passage is said to repeat the other."""

_NEGATIONS = frozenset("cannot except neither never no none nor not only t unless without".split())  # noqa: SIM905


class _Outline:
    """What a text is compared by."""

    def __init__(self, text: str) -> None:
        sequence = words(text)
        size = min(3, len(sequence))
        starts = range(len(sequence) - size + 1)
        self.shingles = {tuple(sequence[start : start + size]) for start in starts}
        self.facts = {word for word in sequence if word in _NEGATIONS or any(one.isdigit() for one in word)}

    def says_no_more_than(self, other: "_Outline") -> bool:
        shared = len(self.shingles & other.shingles)
        return shared >= SAME_SHARE * len(self.shingles) and self.facts <= other.facts


def distinct(ranked: Iterable[Candidate], per_document: int = 0) -> Iterator[Candidate]:
    """Yield those of `ranked` (best first) that say something new, at most so many of a document; 0: all.

    Reads no more of `ranked` than is asked for.
    """
    outlines: list[_Outline] = []
    taken: Counter[DocumentId] = Counter()
    for one in ranked:
        if per_document and taken[one.passage.document_id] >= per_document:
            continue
        outline = _Outline(one.passage.text)
        if not any(outline.says_no_more_than(other) for other in outlines):
            outlines.append(outline)
            taken[one.passage.document_id] += 1
            yield one

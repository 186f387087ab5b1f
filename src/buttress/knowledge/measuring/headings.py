"""Known-item queries out of headings: whoever asks for a heading wants its section. Pure.

Only headings that say something and that no other section has are asked for. What such queries measure is
whether a section is found by what it is called, and not by what people would ask; see
docs/how-to/tune-a-knowledge-base.md.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from buttress.kernel.chance import Chance
from buttress.kernel.words import content_terms, words
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Relevant
from buttress.knowledge.search_types import Placed

MOST_QUERIES = 300
_LEAST_TERMS = 2
_MOST_TERMS = 20

Section = tuple[str, tuple[str, ...]]
"""A document, and the headings above a section of it, its own the last."""


def heading_queries(places: Iterable[Placed], chance: Chance) -> Labels:
    """Return a query for each section whose heading no other one has; at most `MOST_QUERIES`, drawn."""
    sections = sorted({section for one in places for section in _sections(one)})
    asked = {section: _terms(section[1][-1]) for section in sections}
    called = Counter(asked.values())
    distinct = [one for one in sections if called[asked[one]] == 1 and _says_something(asked[one])]
    drawn = sorted(distinct, key=lambda _: chance.fraction())[:MOST_QUERIES]
    queries = tuple(LabelledQuery(path[-1], (Relevant(document, section=path),)) for document, path in drawn)
    note = f"{len(drawn):,} of {len(sections):,} headings are asked for: the others are not distinct"
    return Labels(queries, "headings", (note,))


def without_headings(text: str, section: Sequence[str]) -> str:
    """Return `text` without the lines that are one of the headings it stands under."""
    headings = {tuple(words(one)) for one in section}
    return "\n".join(line for line in text.split("\n") if tuple(words(line)) not in headings)


def _sections(place: Placed) -> list[Section]:
    return [(place.document, place.section[: depth + 1]) for depth in range(len(place.section))]


def _terms(heading: str) -> tuple[str, ...]:
    return tuple(sorted(set(content_terms(heading))))


def _says_something(terms: Sequence[str]) -> bool:
    spelt = [one for one in terms if not one[0].isdigit()]
    return len(spelt) >= _LEAST_TERMS and len(terms) <= _MOST_TERMS

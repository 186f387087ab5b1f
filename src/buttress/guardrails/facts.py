"""Whether a text bears out what a sentence says. Pure.

Facts are deterministic and cost nothing to compare, and it is wrong facts that cost most: so all of them
must be in the text, and in the same words; while of the other words half are enough, near each other.
"""

from collections import Counter
from collections.abc import Sequence

from buttress.guardrails.contests import is_contested, is_denied
from buttress.guardrails.reading import INITIALS, Reading, term_of
from buttress.guardrails.scales import LIGHT

_WINDOW = 60
"""The words must stand within so many telling words: three sentences, or a paragraph."""
_CLAUSE = 0.2
_MIN_CLAUSE = 3
_CLOSE = 4
_NUMBERS = ("number", "year")
"""Of a clause, so many of the words must be found: else it is an invention behind a true one."""
_FEW = 3
_SHORT = 0.65
"""Of fewer telling words than three, more must be found, and those that tell little are counted, too."""
_MIN_TERMS = 2
_MIN_SOURCES = 3
_SAME = 0.7
"""A text with so many of a sentence's words speaks of the same."""
_LIGHT = frozenset(map(term_of, LIGHT))


def holds(claim: Reading, source: Reading, *, given: frozenset[str] = frozenset()) -> bool:
    """Say whether all facts of `claim` are in `source`, or are `given`."""
    return all(any(form in given or _knows(source, form) for form in forms) for forms in claim.facts)


def names_of_most(sources: Sequence[Reading]) -> frozenset[str]:
    """Return the facts that name what most of the texts, of three and more, speak of."""
    names = Counter(
        f"name:{name}" for one in sources for name in {slot.value for slot in one.slots.get("name", ())}
    )
    enough = max(_MIN_SOURCES, len(sources) // 2 + 1)
    return frozenset(name for name, count in names.items() if count >= enough)


def _knows(source: Reading, form: str) -> bool:
    letters = form.removeprefix(INITIALS)
    return form in source.known or (len(letters) >= 3 and letters != form and letters in source.letters)


def share_of_terms(claim: Reading, source: Reading) -> float:
    """Return the share of the claim's words that stand near each other in `source`; 0 when it has none."""
    terms = set(claim.terms) - _LIGHT
    terms = terms if len(terms) >= _FEW else set(claim.terms)
    found = sorted((place, term) for term in terms for place in source.places.get(term, ()))
    counts: dict[str, int] = {}
    best = first = 0
    for place, term in found:
        counts[term] = counts.get(term, 0) + 1
        while found[first][0] < place - _WINDOW:
            left = found[first][1]
            counts[left] -= 1
            if not counts[left]:
                del counts[left]
            first += 1
        best = max(best, len(counts))
    return best / len(terms) if terms else 0.0


def bears_out(
    claim: Reading, source: Reading, *, content_share: float, given: frozenset[str] = frozenset()
) -> bool:
    """Say whether `source` says what `claim` says, as far as words can tell; `given` facts need no place."""
    has_words = len(set(claim.terms)) >= _MIN_TERMS and holds(claim, source, given=given)
    is_short = len(set(claim.terms) - _LIGHT) < _FEW
    if not has_words or share_of_terms(claim, source) < (
        max(_SHORT, content_share) if is_short else content_share
    ):
        return False
    return not (is_contested(claim, source, given=given) or is_denied(claim, source))


def bears_out_clause(clause: Reading, source: Reading) -> bool:
    """Say whether `source` says some of what a clause of a sentence that it bears out says."""
    if len(set(clause.terms) - _LIGHT) < _MIN_CLAUSE:
        return True
    share = share_of_terms(clause, source)
    is_turned = share >= _SAME and (
        is_contested(clause, source, _NUMBERS, far=_CLOSE) or is_denied(clause, source)
    )
    return share >= _CLAUSE and not is_turned


def speaks_against(claim: Reading, source: Reading) -> bool:
    """Say whether `source` speaks of the same, and says something else."""
    is_near = share_of_terms(claim, source) >= _SAME
    return is_near and (is_contested(claim, source) or is_denied(claim, source))

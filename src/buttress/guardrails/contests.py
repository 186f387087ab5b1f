"""Whether what stands in a place of a sentence stands in the same place of its source. Pure.

That a number is somewhere in a passage says little: it must stand in the words that it stands in here. Of
all numbers of the passage (years, months, names, words of one scale) the one whose neighbours are most like
those in the sentence must be the sentence's own: else the sentence has put one in the place of another.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from buttress.guardrails.reading import Reading, Slot

_REACH = 6
"""So many telling words on either side are a place's neighbours."""
_FAR = 12
"""A neighbour so much farther off, or on the other side, counts nothing."""
_BARS = {
    "number": (0.45, 0.05),
    "year": (0.4, 0.05),
    "month": (0.4, 0.05),
    "name": (0.6, 0.08),
    "scale": (0.25, 0.05),
}
"""How alike (0 to 1) a place of another must be, and how much more so than the best of its own."""
_KINDS = tuple(_BARS)
_MAX_DEFINITE = 64
_GIVEN = 0.2
"""A name that most of what is shown speaks of is not often put in the place of another one."""
_FAR_DENIED = 4
"""The same of a denial's neighbours: a sentence can deny one thing and say the next."""
_DENIED = 0.6
_REFUSED = 0.3
_UNDENIED = 0.4
_MIN_UNDENIED = 2


def is_contested(
    claim: Reading,
    source: Reading,
    kinds: tuple[str, ...] = _KINDS,
    *,
    far: int = _FAR,
    given: frozenset[str] = frozenset(),
) -> bool:
    """Say whether something definite of `claim` has another of its kind in its place in `source`.

    A sentence with more that is definite than can be compared is contested, too.
    """
    definite = [(slot, kind) for kind, slots in _definite(claim, source) for slot in slots]
    if len(definite) > _MAX_DEFINITE:
        return True
    return any(
        _is_taken(slot, kind, claim, source, far, _GIVEN if f"name:{slot.value}" in given else 0)
        for slot, kind in definite
        if kind.startswith(kinds)
    )


def _definite(claim: Reading, source: Reading) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Return what is definite in the claim by its kind; its first word may be a name of the source."""
    names = {one.value for one in source.slots.get("name", ())}
    opening = (claim.opening,) if claim.opening and claim.opening.value in names else ()
    yield "name", (*opening, *claim.slots.get("name", ()))
    yield from ((kind, slots) for kind, slots in claim.slots.items() if kind != "name")


def _is_taken(slot: Slot, kind: str, claim: Reading, source: Reading, far: int, more: float) -> bool:
    rivals = source.slots.get(kind, ())
    others = [one for one in rivals if one.value != slot.value and not (slot.run | {slot.value}) & one.run]
    if not others:
        return False
    own = {one.at for one in rivals if one.value == slot.value}
    own |= set(map(float, source.places.get(slot.value, ())))
    if not own and not kind.startswith("scale") and not more:
        return False  # it is there in another form, an acronym for its words: that has no place to compare
    near = list(_neighbours(slot, kind, claim))
    best_own = max((_likeness(at, near, source, far) for at in own), default=0.0)
    best = max(_likeness(one.at, near, source, far) for one in others)
    alike, margin = _BARS.get(kind.partition(" ")[0], _BARS["scale"])
    return best >= alike and best > best_own + margin + more


def _neighbours(slot: Slot, kind: str, claim: Reading) -> Iterator[tuple[str, float, float]]:
    """Return the words near a place: each with how far behind it they stand, and what they weigh."""
    taken = {one.value for one in claim.slots.get(kind, ())}
    low, high = max(0, int(slot.at) - _REACH), int(slot.at) + _REACH + 1
    for place, term in enumerate(claim.terms[low:high], start=low):
        if place != slot.at and term not in taken:
            away = place - slot.at
            yield term, away, 1 / (1 + abs(away) / 4)


def _likeness(at: float, near: Sequence[tuple[str, float, float]], source: Reading, far: int) -> float:
    """Return 0 to 1: how far the words near a place of the claim stand alike around `at`."""
    total = sum(weight for _, _, weight in near)
    held = sum(weight * _nearness(source.places.get(term, ()), at + away, far) for term, away, weight in near)
    return held / total if total else 0.0


def _nearness(places: Sequence[int], wanted: float, far: int) -> float:
    """Return 1 where a word stands where it is wanted, less the farther it is off."""
    if not places:
        return 0.0
    at = bisect_left(places, wanted)
    off = min(abs(place - wanted) for place in places[max(0, at - 1) : at + 1])
    return max(0.0, 1 - off / far)


def is_denied(claim: Reading, source: Reading) -> bool:
    """Say whether `source` denies what the claim asserts, or does not deny what it denies."""
    if not all(_has_denial(at, claim, source) for at in claim.denials):
        return True
    if not all(_has_denial(at, claim, source, _REFUSED) for at in claim.refusals):
        return True
    return any(_denies(at, claim, source) for at in source.denials)


def _has_denial(at: float, claim: Reading, source: Reading, alike: float = _DENIED) -> bool:
    """Say whether some denial of `source` stands in the words that this one stands in."""
    near = list(_around(at, claim))
    return any(_likeness(place, near, source, _FAR_DENIED) >= alike for place in source.near_denials)


def _denies(at: float, claim: Reading, source: Reading) -> bool:
    """Say whether the claim has, without a denial, the words that this denial of `source` stands in."""
    near = list(_around(at, source))
    behind = next((term for term, away, _ in near if away > 0), None)
    if behind and behind not in claim.places:
        return False
    places = {place - away for term, away, _ in near for place in claim.places.get(term, ())}
    alike = [place for place in places if _likeness(place, near, claim, _FAR_DENIED) >= _UNDENIED]
    return (
        len({term for term, _, _ in near} & claim.places.keys()) >= _MIN_UNDENIED
        and bool(alike)
        and not any(abs(one - place) <= 2 for one in claim.near_denials for place in alike)
        and not any(_stands_undenied(int(place + 0.5), claim, source) for place in alike)
    )


def _stands_undenied(place: int, claim: Reading, source: Reading) -> bool:
    """Say whether the words at a place of the claim stand as well where `source` denies nothing."""
    near = list(_around(place, claim))
    best = {True: 0.0, False: 0.0}
    for term, away, _ in near:
        for found in source.places.get(term, ()):
            at = found - away
            is_denied_there = any(-_FAR_DENIED <= one - at <= 2 for one in source.near_denials)
            best[is_denied_there] = max(best[is_denied_there], _likeness(at, near, source, _FAR_DENIED))
    return best[False] >= max(_DENIED, best[True])


def _around(at: float, reading: Reading) -> Iterator[tuple[str, float, float]]:
    """Return the words near a denial, in its sentence; those behind it weigh most."""
    end = bisect_right(reading.ends, at + 0.5)
    first = reading.ends[end - 1] if end else 0
    last = reading.ends[end] if end < len(reading.ends) else len(reading.terms)
    for place in range(max(first, int(at + 0.5) - 4), min(last, int(at + 0.5) + 3)):
        away = place - at
        yield reading.terms[place], away, (1 if away > 0 else 0.5) / (1 + abs(away) / 4)

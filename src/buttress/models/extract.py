"""Choosing what to quote, and how it is put: the rules of the extractive provider, all pure.

Units (see `units`) are scored by a ranker and by the words they share with the question; the best few are
chosen in a form that can be read by itself: a sentence that begins with a pronoun brings the one before, a
line that ends in a colon brings its list, an item of a list brings the line above it, a step brings all
steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log

import msgspec

from buttress.kernel.sentences import sentence_spans
from buttress.kernel.words import content_terms, words
from buttress.models.settings import QuoteSettings
from buttress.models.units import Unit

_REFERRING = frozenset(
    """it its they them their this that these those he she his her both such here there then otherwise instead
    however therefore afterwards also but and or so""".split()  # noqa: SIM905 - words read best as words
)
_SAME = 0.8
"""Two units are the same when the shorter one shares this share of its words with the other."""


class Scored(msgspec.Struct, frozen=True):
    """A unit, and how well it answers the question: 0 to 1."""

    unit: Unit
    score: float


def idf_of(texts: Sequence[str]) -> dict[str, float]:
    """Return how much each word tells, from how few of `texts` it stands in: log((n + 1) / (df + 0.5)).

    A smoothed inverse document frequency (Robertson and Spärck Jones); above 0 for every word.
    """
    counts: dict[str, int] = {}
    for text in texts:
        for term in set(content_terms(text)):
            counts[term] = counts.get(term, 0) + 1
    return {term: log((len(texts) + 1) / (count + 0.5)) for term, count in counts.items()}


def coverage(question: str, text: str, idf: Mapping[str, float]) -> float:
    """Return the share of the question's idf mass that the words of `text` cover, 0 to 1.

    A word of the question that stands in no text is as rare as can be: it counts as much as the rarest.
    """
    rarest = max(idf.values(), default=1.0)
    wanted = {term: idf.get(term, rarest) for term in content_terms(question)}
    found = sum(wanted[term] for term in wanted.keys() & set(content_terms(text)))
    whole = sum(wanted.values())
    return found / whole if whole else 0.0


def blend(
    question: str, units: Sequence[Unit], ranked: Sequence[float], rules: QuoteSettings
) -> list[Scored]:
    """Join the ranker's score and the word coverage of each unit; later passages count a little less each.

    A unit that has no word of the question, and from the ranker less than `min_score`, is left out. The
    ranker's scores are stretched so that the best is 1: rankers differ in how high they go.
    """
    idf = idf_of([unit.in_context for unit in units])
    best = max(ranked, default=0.0)
    scored = []
    for unit, rank in zip(units, ranked, strict=True):
        covered = _covered(question, unit, idf)
        if covered > 0 or rank >= rules.min_score:
            stretched = max(0.0, rank) / best if best > 0 else 0.0
            score = rules.coverage_weight * covered + (1 - rules.coverage_weight) * stretched
            scored.append(Scored(unit, score * _fullness(unit) * rules.passage_decay ** (unit.passage - 1)))
    return scored


def _fullness(unit: Unit) -> float:
    """Return 1, and a little less for a unit of a few words ("See Refunds.")."""
    return min(1.0, 0.6 + 0.1 * len(content_terms(unit.text)))


def _covered(question: str, unit: Unit, idf: Mapping[str, float]) -> float:
    """Return the coverage of a unit; words that stand only in its heading count half."""
    return (coverage(question, unit.text, idf) + coverage(question, unit.in_context, idf)) / 2


def choose(scored: Sequence[Scored], units: Sequence[Unit], rules: QuoteSettings) -> list[Unit]:
    """Return what to quote: the passage with the best unit first, in each passage the document's order.

    `units` are all units there are, also those that may only come along with a chosen one. At most
    `max_sentences` are returned, not counting the items of a list that come with the line above it; the best
    unit is among them, alone where its company has no room. Nothing scored, nothing returned.
    """
    by_worth = sorted(scored, key=lambda one: (-one.score, one.unit.key))
    at = {unit.key: unit for unit in units}
    chosen: dict[tuple[int, int], Unit] = {}
    room = rules.max_sentences
    for one in by_worth:
        if one.score < rules.keep_share * by_worth[0].score:
            break
        company = [unit for unit in _company(one.unit, at) if unit.key not in chosen]
        if not chosen and len(_counted(company, one.unit)) > room:
            company = [one.unit]
        counted = _counted(company, one.unit)
        if len(counted) <= room and company and not _is_told(one.unit, chosen.values()):
            room -= len(counted)
            chosen.update((unit.key, unit) for unit in company[: len(counted) + rules.max_list_items])
    return _in_order(chosen.values(), by_worth)


def _counted(company: Iterable[Unit], best: Unit) -> list[Unit]:
    """Return those that take room: items that come along with another take none."""
    return [unit for unit in company if unit.kind != "item" or unit is best]


def _company(unit: Unit, at: Mapping[tuple[int, int], Unit]) -> list[Unit]:
    """Return `unit` with those it cannot be read without."""
    if unit.is_lead:
        return [unit, *_list_under(unit, at)]
    if unit.kind == "item":
        lead = _line_above(unit, at)
        is_step = unit.marker[:1].isdecimal()
        return ([lead] if lead else []) + (_whole_list(unit, at) if is_step else [unit])
    before = at.get((unit.passage, unit.order - 1))
    refers = unit.kind == "sentence" and bool(_REFERRING.intersection(words(unit.text[:40])[:1]))
    return [before, unit] if refers and before and before.kind == "sentence" else [unit]


def _list_under(lead: Unit, at: Mapping[tuple[int, int], Unit]) -> list[Unit]:
    first = at.get((lead.passage, lead.order + 1))
    return _whole_list(first, at) if first and first.kind == "item" else []


def _whole_list(item: Unit, at: Mapping[tuple[int, int], Unit]) -> list[Unit]:
    return [one for one in at.values() if _same_list(one, item) and one.kind == item.kind]


def _line_above(item: Unit, at: Mapping[tuple[int, int], Unit]) -> Unit | None:
    first = min(one.order for one in _whole_list(item, at))
    above = at.get((item.passage, first - 1))
    return above if above and above.is_lead else None


def _is_told(unit: Unit, chosen: Iterable[Unit]) -> bool:
    """Say whether nearly the same is quoted already."""
    terms = set(content_terms(unit.text))
    others = (set(content_terms(one.text)) for one in chosen)
    return any(len(terms & other) >= _SAME * max(1, min(len(terms), len(other))) for other in others)


def _in_order(chosen: Iterable[Unit], by_worth: Sequence[Scored]) -> list[Unit]:
    places: dict[int, int] = {}
    for place, one in enumerate(by_worth):
        places.setdefault(one.unit.passage, place)
    last = len(by_worth)
    return sorted(chosen, key=lambda unit: (places.get(unit.passage, last), unit.key))


def put(quotes: Sequence[Unit]) -> list[str]:
    """Return the pieces of the answer, one for each quote: joined they are its text.

    Every sentence is followed by its marker. Items of a list, and several rows of a table, stand on lines of
    their own; a lone one is put as a sentence.
    """
    return [
        _gap(quotes, at) + _bullet(quotes, at) + with_marker(unit.text, unit.passage)
        for at, unit in enumerate(quotes)
    ]


def with_marker(text: str, number: int) -> str:
    """Return `text` with ` [number]` behind each of its sentences."""
    return " ".join(f"{text[start:end]} [{number}]" for start, end in sentence_spans(text))


def _is_listed(quotes: Sequence[Unit], at: int) -> bool:
    """Say whether the quote is one of several of its list or table, or has its lead before it."""
    unit = quotes[at]
    if unit.group is None:
        return False
    beside = [quotes[near] for near in (at - 1, at + 1) if 0 <= near < len(quotes)]
    return any(_same_list(unit, one) for one in beside) or (
        unit.kind == "item" and at > 0 and quotes[at - 1].is_lead
    )


def _same_list(unit: Unit, other: Unit) -> bool:
    return (unit.passage, unit.group) == (other.passage, other.group)


def _bullet(quotes: Sequence[Unit], at: int) -> str:
    return f"{quotes[at].marker or '-'} " if _is_listed(quotes, at) else ""


def _gap(quotes: Sequence[Unit], at: int) -> str:
    """Return the white space before a quote."""
    if at == 0:
        return ""
    if _is_listed(quotes, at):
        return "\n" if _is_listed(quotes, at - 1) or quotes[at - 1].is_lead else "\n\n"
    return "\n\n" if _is_listed(quotes, at - 1) or quotes[at - 1].kind == "item" else " "

"""Measure how often a true sentence is withheld, and how often a false one is released.

True sentences come with the passages they stand on: a model's answers on product documentation
(anthropic-docs), claims that people wrote from abstracts (SciFact), answers of analysts (filings), sentences
in eight languages written for this, and sentences taken out of a passage (SQuAD). Each is shown beside five
passages on the nearest topics, and cites the right ones. False ones are those with one thing changed
(`corruptions`), whose true form is released; a sentence of another text on the same topic; and what people
wrote to be false. Rules were made by looking at the even half only.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec
from corruptions import CORRUPTIONS

from buttress.guardrails.settings import GuardrailSettings
from buttress.guardrails.withholding import Withheld, judge
from buttress.kernel.passages import Passage
from buttress.kernel.sentences import split_sentences
from buttress.kernel.words import content_terms, words
from buttress.testing.passages import a_passage

SHOWN = 6
PIECE_WORDS = 250
Half = str
"""`even`, which was looked at while the rules were made; `odd`, which was not."""


class Text(msgspec.Struct, rename={"name": "_id"}):
    """A text of a collection."""

    name: str
    title: str
    text: str


class Answered(msgspec.Struct):
    """The answer to a question."""

    answer: str


class Query(msgspec.Struct, rename={"name": "_id"}):
    """A question with its answer."""

    name: str
    text: str
    metadata: Answered


class Evidence(msgspec.Struct):
    """What some sentences of an abstract do for a claim."""

    label: str


class Claimed(msgspec.Struct):
    """A claim with the evidence in each abstract."""

    text: str
    metadata: dict[str, list[Evidence]]


class Page(msgspec.Struct):
    """A page of a report."""

    text: str


class Filing(msgspec.Struct):
    """A question on annual reports."""

    answer: str
    evidence: list[Page]


class Written(msgspec.Struct):
    """A passage with true sentences about it."""

    text: str
    true: list[str]


class Pair(msgspec.Struct):
    """One answer of two to the same question."""

    text: str
    context: str


Row = TypeVar("Row", bound=msgspec.Struct)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence with the passages it was made from, cited, and others on the nearest topics."""

    of: str
    half: Half
    text: str
    cited: tuple[str, ...]
    others: tuple[str, ...]
    is_true: bool = True
    asked: frozenset[str] = frozenset()
    """The words of the question that stand in some text of the collection."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sentence. `kind` is where it came from, or what was made false."""

    kind: str
    half: Half
    text: str
    reason: str
    """Why it was withheld; empty when it was not."""
    seconds: float


def passage(text: str) -> Passage:
    """Return a passage of this text."""
    return a_passage(text, document="d", title="")


def tried(told: Told, kind: str, text: str) -> Tried:
    """Judge `text` beside the passages of `told`."""
    markers = "".join(f"[{number}]" for number in range(1, len(told.cited) + 1))
    passages = [passage(one) for one in (*told.cited, *told.others)]
    share = GuardrailSettings().content_share
    judge("Passages are read once an answer.", passages, content_share=share)
    started = time.perf_counter()
    judged = judge(f"{text} {markers}", passages, content_share=share, asked=told.asked)
    seconds = time.perf_counter() - started
    reason = judged.reason if isinstance(judged, Withheld) else ""
    return Tried(kind=kind, half=told.half, text=text, reason=reason, seconds=seconds)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the sentences of the odd half; times in ms are those of all."""

    released: list[tuple[str, int, int]]
    """Kind, how many were released, of how many."""
    reasons: list[tuple[str, int]]
    """Kind and reason of the true ones that were withheld, and how many."""
    p50_ms: float
    p99_ms: float


def summary(results: Sequence[Tried]) -> Summary:
    """Count the sentences that the rules were not made by."""
    odd = [one for one in results if one.half == "odd"]
    tried_of = Counter(one.kind for one in odd)
    released_of = Counter(one.kind for one in odd if not one.reason)
    reasons = Counter(
        f"{one.kind}: {one.reason}" for one in odd if one.reason and one.kind.startswith("true")
    )
    times = sorted(one.seconds * 1_000 for one in results)
    return Summary(
        released=[(kind, released_of[kind], count) for kind, count in sorted(tried_of.items(), reverse=True)],
        reasons=sorted(reasons.items()),
        p50_ms=times[len(times) // 2],
        p99_ms=times[len(times) * 99 // 100],
    )


def measured(data: Path) -> list[Tried]:
    """Judge all true and all false sentences there are data for."""
    results: list[Tried] = []
    for told in sentences(data):
        sort = "true" if told.is_true else "false"
        first = tried(told, f"{sort}: {told.of}", told.text)
        results.append(first)
        if told.is_true and not first.reason:
            results += corrupted(told)
    return results


def corrupted(told: Told) -> Iterator[Tried]:
    """Judge a released sentence again, with each thing changed that can be."""
    own = "\n".join(told.cited)
    for kind, corruption in CORRUPTIONS.items():
        false = corruption(told.text, own)
        if false and false != told.text:
            yield tried(told, f"changed: {kind}", false)
    other = next((one for text in told.others for one in split_sentences(text) if len(one.split()) > 7), None)
    if other:
        apart = msgspec.structs.replace(told, others=())
        yield tried(apart, "changed: a sentence of another text", other)


def sentences(data: Path) -> Iterator[Told]:
    """Return all sentences there are data for."""
    return chain(docs(data), scifact(data), filings(data), languages(), squad(data), halueval(data))


def docs(data: Path) -> Iterator[Told]:
    """Return what a good model answered from product documentation, sentence by sentence."""
    folder = data / "retrieval" / "anthropic-docs"
    texts = {one.name: one.text for one in rows(folder / "corpus.jsonl", Text)}
    right = relevant(folder)
    nearest = Nearest(chain.from_iterable(pieces(text) for text in texts.values()))
    known = set(words(" ".join(texts.values())))
    for at, query in enumerate(rows(folder / "queries.jsonl", Query)):
        own = [piece for name in right[query.name] for piece in pieces(texts[name])]
        for text in split_sentences(query.metadata.answer):
            cited = best_of(text, own)
            yield Told(
                of="a model on documentation",
                half=half(at),
                text=text,
                cited=cited,
                others=nearest.to(text, but=own, count=SHOWN - len(cited)),
                asked=frozenset(known & set(words(query.text))),
            )


def scifact(data: Path) -> Iterator[Told]:
    """Return what people claimed from an abstract: rightly, or not."""
    folder = data / "retrieval" / "scifact"
    texts = {one.name: f"{one.title}\n\n{one.text}" for one in rows(folder / "corpus.jsonl", Text)}
    nearest = Nearest(texts.values())
    claims = (
        *rows(folder / "queries.jsonl", Claimed),
        *rows(folder / "train_queries.jsonl", Claimed),
    )
    for at, claim in enumerate(claims):
        for name, evidence in list(claim.metadata.items())[:1]:
            yield Told(
                of="people on abstracts",
                half=half(at),
                text=claim.text,
                cited=(texts[name],),
                others=nearest.to(claim.text, but=[texts[one] for one in claim.metadata]),
                is_true=evidence[0].label == "SUPPORT",
            )


def filings(data: Path) -> Iterator[Told]:
    """Return what analysts answered from annual reports; many of their figures are computed."""
    questions = rows(data / "documents" / "filings" / "questions.jsonl", Filing)
    everything = [one.text for question in questions for one in question.evidence]
    nearest = Nearest(everything)
    for at, question in enumerate(questions):
        own = [one.text for one in question.evidence]
        for text in split_sentences(question.answer):
            if len(text.split()) > 4:
                others = nearest.to(text, but=own, count=SHOWN - len(own))
                yield Told(
                    of="analysts on filings", half=half(at), text=text, cited=tuple(own), others=others
                )


def languages() -> Iterator[Told]:
    """Return sentences in several languages, written for this by a model that saw the passage."""
    written = rows(Path(__file__).parent / "written.jsonl", Written)
    for at, one in enumerate(written):
        for text in one.true:
            yield Told(of="a model, other languages", half=half(at), text=text, cited=(one.text,), others=())


def squad(data: Path) -> Iterator[Told]:
    """Return sentences of encyclopaedia articles, each beside its paragraph and others of the article."""
    texts = rows(data / "retrieval" / "squad2-dev" / "corpus.jsonl", Text)
    for at, one in enumerate(texts):
        own = split_sentences(one.text)
        if at % 3 == 0 and len(own) > 1 and len(own[1].split()) > 7:
            near = [near.text for near in texts[max(0, at - 9) : at + 9] if near.title == one.title]
            others = tuple(text for text in near if text != one.text)[: SHOWN - 1]
            yield Told(of="word for word", half=half(at // 3), text=own[1], cited=(one.text,), others=others)


def halueval(data: Path) -> Iterator[Told]:
    """Return right and wrong answers to the same question, of nearly the same length: four words and more."""
    answers = rows(data / "guard" / "grounded_halueval_qa.jsonl", Pair)
    for at, (right, wrong) in enumerate(zip(answers[::2], answers[1::2], strict=True)):
        lengths = len(right.text.split()), len(wrong.text.split())
        if min(lengths) >= 3 and abs(lengths[0] - lengths[1]) <= 2:
            for one in (right, wrong):
                yield Told(
                    of="pairs of one length",
                    half=half(at),
                    text=one.text,
                    cited=(one.context,),
                    others=(),
                    is_true=one is right,
                )


class Nearest:
    """Finds texts that share the most telling words with a sentence."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)
        self._with: dict[str, list[int]] = {}
        for at, text in enumerate(self._texts):
            for term in set(content_terms(text)):
                self._with.setdefault(term, []).append(at)

    def to(self, sentence: str, *, but: Sequence[str], count: int = SHOWN - 1) -> tuple[str, ...]:
        """Return the `count` texts nearest to `sentence`, without those of `but`."""
        scores: Counter[int] = Counter()
        for term in dict.fromkeys(content_terms(sentence)):  # in order: ties are broken by it
            having = self._with.get(term, [])
            scores.update(dict.fromkeys(having, 1) if len(having) < len(self._texts) / 20 else {})
        near = (self._texts[at] for at, _ in scores.most_common(count + len(but)))
        return tuple(text for text in near if text not in but)[:count]


def best_of(sentence: str, own: Sequence[str]) -> tuple[str, ...]:
    """Return the piece that holds most of a sentence's words, and a second one if it adds to that."""
    terms = set(content_terms(sentence))
    ranked = sorted(own, key=lambda text: -len(terms & set(content_terms(text))))
    held = terms & set(content_terms(ranked[0]))
    adding = [text for text in ranked[1:] if len(terms & set(content_terms(text)) - held) >= len(terms) / 6]
    return (ranked[0], *adding[:1])


def pieces(text: str) -> list[str]:
    """Return a text cut between lines into pieces of at most 250 words, but for longer lines."""
    found: list[str] = []
    count = PIECE_WORDS
    for line in text.splitlines():
        count += len(line.split())
        if count > PIECE_WORDS:
            found.append(line)
            count = len(line.split())
        else:
            found[-1] += f"\n{line}"
    return found


def relevant(folder: Path) -> dict[str, list[str]]:
    """Return the names of the texts that answer each question."""
    right: dict[str, list[str]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, name, _ = line.split("\t")
        right.setdefault(query, []).append(name)
    return right


def rows(path: Path, kind: type[Row]) -> list[Row]:
    """Return the objects of a file of JSON lines."""
    decoder = msgspec.json.Decoder(kind)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line]


def half(at: int) -> Half:
    """Return which half the item at this place is in."""
    return "odd" if at % 2 else "even"

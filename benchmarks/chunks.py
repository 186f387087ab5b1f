"""Chunking by structure beside chunks of a fixed size: how much of the evidence is found, and how much else.

As in Chroma's report (Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval", 2024), with its
questions over three of its corpora: the `RETRIEVED` chunks nearest to a question are held against the spans
of text that answer it. With E the tokens of the evidence and R those of the chunks,

    recall    = |E and R| / |E|
    precision = |E and R| / |R|          R counts a token as often as chunks hold it
    IoU       = |E and R| / (|E| + |R| - |E and R|)

each the mean over all questions. The search is dense alone: what is compared is how the text was cut.
Larger chunks find more and cost more: so recall is also taken of the best that fill `BUDGET` tokens.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

import msgspec
import numpy as np

from buttress.kernel.ids import DocumentId
from buttress.knowledge.chunking import chunk
from buttress.knowledge.embedding.embedder import open_embedder
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.ports import Embedder
from buttress.knowledge.settings import EmbedderSettings, ParseLimits
from buttress.knowledge.types import ChunkSettings, ParsedDocument

RETRIEVED = 5
BUDGET = 1_000
_LOOKED_AT = 50
FIXED = ((200, 0), (400, 200), (800, 400))
"""Tokens of a chunk, and how many of them it shares with the next one."""

Span = tuple[int, int]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """How one way to cut did; shares are 0 to 1, `chunk_tokens` is the mean, `filled` recall at `BUDGET`."""

    way: str
    chunks: int
    chunk_tokens: float
    recall: float
    precision: float
    iou: float
    filled: float


class Corpus(msgspec.Struct, frozen=True):
    """A corpus, parsed, and where each of its tokens begins."""

    document: ParsedDocument
    starts: Sequence[int]

    def tokens(self, span: Span) -> range:
        """Return which tokens begin within `span`."""
        return range(bisect_left(self.starts, span[0]), bisect_left(self.starts, span[1]))


class Question(msgspec.Struct, frozen=True):
    """A question, and where in which corpus its evidence stands."""

    text: str
    corpus: str
    evidence: tuple[Span, ...]


class Piece(msgspec.Struct, frozen=True):
    """A chunk: where it stands, and what is embedded for it."""

    corpus: str
    span: Span
    embedded: str


Cutter = Callable[[Corpus], Iterator[tuple[Span, str]]]


def measure_chunks(folder: Path) -> list[Measured]:
    """Measure on the corpora and questions in `folder`."""
    embedder = open_embedder(EmbedderSettings())
    corpora = {path.stem: _corpus(path, embedder) for path in sorted((folder / "corpora").glob("*.md"))}
    questions = _questions(folder / "questions.jsonl", corpora)
    asked = embedder.embed([one.text for one in questions])
    ways: list[tuple[str, Cutter]] = [
        ("by structure", lambda corpus: _by_structure(corpus, embedder, with_context=True)),
        (
            "by structure, context left out",
            lambda corpus: _by_structure(corpus, embedder, with_context=False),
        ),
        *((f"fixed {size} / {overlap}", _fixed(size, overlap)) for size, overlap in FIXED),
    ]
    found = []
    for way, cutter in ways:
        pieces = [
            Piece(name, span, embedded)
            for name, corpus in corpora.items()
            for span, embedded in cutter(corpus)
        ]
        nearest = np.argsort(-(asked @ embedder.embed([one.embedded for one in pieces]).T), axis=1)
        scores = [
            _scores(question, [pieces[at] for at in best[:_LOOKED_AT]], corpora)
            for question, best in zip(questions, nearest.tolist(), strict=True)
        ]
        found.append(_measured(way, pieces, scores, corpora))
    embedder.close()
    return found


def _measured(
    way: str,
    pieces: Sequence[Piece],
    scores: Iterable[tuple[float, float, float, float]],
    corpora: dict[str, Corpus],
) -> Measured:
    recall, precision, iou, filled = (fmean(column) for column in zip(*scores, strict=True))
    sizes = [len(corpora[one.corpus].tokens(one.span)) for one in pieces]
    return Measured(
        way=way,
        chunks=len(pieces),
        chunk_tokens=fmean(sizes),
        recall=recall,
        precision=precision,
        iou=iou,
        filled=filled,
    )


def _scores(
    question: Question, best: Sequence[Piece], corpora: dict[str, Corpus]
) -> tuple[float, float, float, float]:
    """Return recall, precision and IoU of the first chunks, and recall of those that fill a prompt."""
    evidence = {
        (question.corpus, token)
        for span in question.evidence
        for token in corpora[question.corpus].tokens(span)
    }
    every = [[(one.corpus, token) for token in corpora[one.corpus].tokens(one.span)] for one in best]
    held = [token for tokens in every[:RETRIEVED] for token in tokens]
    both = len(evidence & set(held))
    filling = [token for tokens in every for token in tokens][:BUDGET]
    filled = len(evidence & set(filling)) / len(evidence)
    return both / len(evidence), both / len(held), both / (len(evidence) + len(held) - both), filled


def _by_structure(corpus: Corpus, embedder: Embedder, *, with_context: bool) -> Iterator[tuple[Span, str]]:
    for one in chunk(corpus.document, DocumentId("c"), ChunkSettings(), embedder.token_starts):
        yield (one.start, one.end), one.embedded if with_context else one.text


def _fixed(size: int, overlap: int) -> Cutter:
    def cut(corpus: Corpus) -> Iterator[tuple[Span, str]]:
        text, starts = corpus.document.text, [*corpus.starts, len(corpus.document.text)]
        for first in range(0, len(starts) - 1, size - overlap):
            span = starts[first], starts[min(first + size, len(starts) - 1)]
            yield span, text[slice(*span)]

    return cut


def _corpus(path: Path, embedder: Embedder) -> Corpus:
    document = parse_bytes(path.read_bytes(), path.name, ParseLimits())
    return Corpus(document, list(embedder.token_starts(document.text)))


def _questions(path: Path, corpora: dict[str, Corpus]) -> list[Question]:
    """Return the questions whose evidence stands in our text of the corpora, white space apart."""
    squeezed = {name: _squeezed(one.document.text) for name, one in corpora.items()}
    questions = []
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        spans = [_span(reference["content"], squeezed[one["corpus"]]) for reference in one["references"]]
        evidence = tuple(span for span in spans if span)
        if len(evidence) == len(spans):
            questions.append(Question(one["text"], one["corpus"], evidence))
    return questions


def _squeezed(text: str) -> tuple[str, list[int]]:
    """Return `text` without white space and Markdown's own characters, and where each of the rest stood."""
    kept = [at for at, character in enumerate(text) if _counts(character)]
    return "".join(text[at] for at in kept), kept


def _span(content: str, squeezed: tuple[str, list[int]]) -> Span | None:
    text, places = squeezed
    needle = "".join(filter(_counts, content))
    at = text.find(needle)
    return None if at < 0 or not needle else (places[at], places[at + len(needle) - 1] + 1)


def _counts(character: str) -> bool:
    return not character.isspace() and character not in "*_#`\\"

"""The search: embed -> dense and BM25 -> fuse -> dedup -> passages, every stage inside the scope.

The scope is a condition of both first stages, before anything is scored; what follows reads their hits only.
A stage
that fails or is late is skipped, and its report says so; only when neither first stage answers there is an
error.
"""

import asyncio
import re
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope
from buttress.knowledge.asked import look_up
from buttress.knowledge.dedup import without_repetition
from buttress.knowledge.errors import IndexFailed, QueryInvalid, SearchFailed
from buttress.knowledge.fusion import Ranking, blend, dbsf, rrf
from buttress.knowledge.index import Index, Table
from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.resident import Residents
from buttress.knowledge.search_types import Candidate, Found, Hit, Query, StageReport
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.terms import TermStatistics, count_terms, coverage, terms
from buttress.knowledge.types import Fusion, KnowledgeBase
from buttress.knowledge.visibility import visible_clause

MAX_LIMIT = 100
_MAX_WORDS = 128  # BM25 costs time for every word: of a longer text the first ones are looked for
_MAX_REPEATS = 4
_MAX_WORD = 40  # the index keeps no longer ones
_MAX_CHARACTERS = 20_000
_WORD = re.compile(r"\w+")
_SAMPLED_ROWS = 2_000
_EXACT_ROWS = 500

T = TypeVar("T", bound=Sized)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A query that can be searched: `text` as it is embedded, `keywords` as BM25 takes them."""

    text: str
    keywords: str
    note: str
    scope: Scope
    limit: int


def read_query(query: Query, base: KnowledgeBase) -> Question:
    """Return `query` made ready.

    Raises:
        QueryInvalid: there is no word in it, or its limit is out of bounds.
    """
    limit = base.search.limit if query.limit is None else query.limit
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryInvalid(f"{limit} passages were asked for, 1 to {MAX_LIMIT} are possible")
    # Half a surrogate pair is no text: neither the model nor the index can be asked for it.
    text = query.text.encode("utf-8", "replace").decode("utf-8")
    if not any(character.isalnum() for character in text):
        raise QueryInvalid("there is no word in the question")
    keywords, note = keywords_of(text)
    return Question(text=text, keywords=keywords, note=note, scope=query.scope, limit=limit)


def keywords_of(text: str) -> tuple[str, str]:
    """Return what BM25 is to look for, and a note when that is not all of `text`.

    Nothing of it is syntax. Repeated words weigh more, up to four times; dropping all repetition costs 2.8
    points of nDCG@10 on long questions (cacm), keeping all of it costs a second on hostile ones.
    """
    seen: Counter[str] = Counter()
    kept: list[str] = []
    words = _WORD.findall(unicodedata.normalize("NFC", text[:_MAX_CHARACTERS]))
    for word in words:
        folded = word.casefold()
        seen[folded] += 1
        if len(word) <= _MAX_WORD and seen[folded] <= _MAX_REPEATS:
            kept.append(word)
    left_out = len(words) - min(len(kept), _MAX_WORDS)
    cut = left_out or len(text) > _MAX_CHARACTERS
    note = f"looked for {min(len(kept), _MAX_WORDS)} words of a longer text" if cut else ""
    return " ".join(kept[:_MAX_WORDS]), note


class Stages:
    """Runs the stages of one search, and reports on each in the order they began."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._reports: list[StageReport | None] = []

    @property
    def reports(self) -> tuple[StageReport, ...]:
        """The reports so far."""
        return tuple(report for report in self._reports if report)

    async def attempt(self, name: str, work: Callable[[], Awaitable[T]], note: str = "") -> T | None:
        """Return what `work` gives, awaited; None, and a report that says why, when it fails or is late."""
        done = self._begin(name)
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await work()
        except TimeoutError:
            done(note=f"took longer than {self._timeout_s:g} s", skipped=True)
        except ButtressError as error:
            done(note=f"{error.code}: {error.message}", skipped=True)
        else:
            done(count=len(result), note=note)
            return result
        return None

    @contextmanager
    def computing(self, name: str) -> Iterator[Callable[[Sized], None]]:
        """Time the block, which tells its result; a stage that every search needs: its errors go on."""
        done = self._begin(name)
        results: list[Sized] = []
        yield results.append
        done(count=sum(len(one) for one in results))

    def _begin(self, name: str) -> Callable[..., None]:
        place, began = len(self._reports), self._clock.monotonic()
        self._reports.append(None)

        def done(count: int = 0, note: str = "", *, skipped: bool = False) -> None:
            duration_ms = round((self._clock.monotonic() - began) * 1000, 3)
            self._reports[place] = StageReport(
                name=name, duration_ms=duration_ms, count=count, note=note, skipped=skipped
            )

        return done


class Searcher:
    """Searches the knowledge bases of one index with one embedder."""

    def __init__(self, index: Index, embedder: Embedder, clock: Clock, settings: EngineSettings) -> None:
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._settings = settings
        self._searched: set[str] = set()
        self._vocabulary = Vocabulary()
        self._residents = Residents(settings.resident_from_rows, settings.resident_rows)

    async def search(self, base: KnowledgeBase, query: Query) -> Found:
        """Return what answers `query` best of what its scope may see.

        Raises:
            QueryInvalid: it asks for nothing, or for too much.
            NotIngested, EmbedderChanged: there is nothing to search in.
            SearchFailed: neither dense nor BM25 search could be done.
        """
        question = read_query(query, base)
        stages = Stages(self._clock, self._patience_s(base.name))
        with stages.computing("open"):
            table = await self._index.table(base.name, self._embedder.fingerprint, self._embedder.dimensions)
        first = await self._first_stages(table, question, base, stages)
        with stages.computing("fuse") as fused:
            ranked = fuse(first, base.search.fusion)
            fused(ranked)
        with stages.computing("dedup") as kept:
            best = await _best(table, ranked, question.limit)
            kept(best)
        statistics = await self._vocabulary.of(base.name, table)
        text, found = question.text[:_MAX_CHARACTERS], [one.searched for one in best]
        held_by = partial(_held_by, table, visible_clause(question.scope))
        words = await stages.attempt("words", partial(look_up, text, found, statistics, held_by))
        passages = tuple(_covering(one, terms(text), statistics) for one in best)
        return Found(passages, stages.reports, words or ())

    def _patience_s(self, knowledge: str) -> float:
        """Return how long a stage may take; longer at first, which is when code and files are loaded."""
        known = knowledge in self._searched
        self._searched.add(knowledge)
        return self._settings.stage_timeout_s if known else self._settings.call_timeout_s

    async def _first_stages(
        self, table: Table, question: Question, base: KnowledgeBase, stages: Stages
    ) -> "FirstStages":
        embed = partial(asyncio.to_thread, self._embedder.embed, [question.text])
        embedded = await stages.attempt("embed", embed)
        vector = None if embedded is None else embedded[0]
        clause, depth = visible_clause(question.scope), base.search.depth
        near = partial(self._near, table, question.scope, base)
        async with asyncio.TaskGroup() as group:
            dense = group.create_task(_dense(near, vector, stages))
            words = partial(table.text_search, question.keywords, clause, depth, vector)
            bm25 = group.create_task(_bm25(words, question, stages))
        first = FirstStages(dense.result(), bm25.result())
        if first.dense is None and first.bm25 is None:
            skipped = [f"{one.name}: {one.note}" for one in stages.reports if one.skipped]
            raise SearchFailed(f"nothing could be searched: {'; '.join(skipped)}")
        return first

    async def _near(self, table: Table, scope: Scope, base: KnowledgeBase, vector: Vectors) -> list[Hit]:
        depth = base.search.depth
        rows, version = await table.count(), await table.version()
        matrix = await self._residents.of(base.name, version, rows, table.matrix)
        if matrix is None:
            return await table.vector_search(vector, visible_clause(scope), depth)
        return await asyncio.to_thread(matrix.nearest, vector, scope, depth)


class FirstStages(msgspec.Struct, frozen=True):
    """What each first stage found, best first; None for one that was skipped."""

    dense: list[Hit] | None
    bm25: list[Hit] | None


async def _held_by(table: Table, clause: str, word: str) -> list[Hit]:
    """Return a row that holds `word` in one of its forms, of those that meet `clause`, if there is one."""
    return await table.text_search(word, clause, 1, None)


async def _dense(
    near: Callable[[Vectors], Awaitable[list[Hit]]], vector: "Vectors | None", stages: Stages
) -> list[Hit] | None:
    return None if vector is None else await stages.attempt("dense", partial(near, vector))


async def _bm25(
    words: Callable[[], Awaitable[list[Hit]]], question: Question, stages: Stages
) -> list[Hit] | None:
    if not question.keywords:  # words that are too long to be in the index
        return []
    return await stages.attempt("bm25", words, question.note)


def fuse(first: FirstStages, fusion: Fusion) -> list[Hit]:
    """Return the hits of both stages as one ranking, best first, with their fused scores."""
    hits = {one.chunk_id: one for one in (*(first.bm25 or ()), *(first.dense or ()))}
    scores = _scores(first, fusion, hits.values())
    return [msgspec.structs.replace(hits[chunk_id], score=score) for chunk_id, score in scores]


def _scores(first: FirstStages, fusion: Fusion, hits: Iterable[Hit]) -> Ranking:
    by_words = [(one.chunk_id, one.score) for one in first.bm25 or ()]
    by_cosine = [(one.chunk_id, one.score) for one in first.dense or ()]
    match fusion:
        case "rrf":
            return rrf([by_cosine, by_words])
        case "dbsf":
            return dbsf([by_cosine, by_words])
        case "blend":
            near = [(one.chunk_id, one.cosine) for one in hits if one.cosine is not None]
            return blend(near, by_words)


async def _best(table: Table, ranked: Sequence[Hit], limit: int) -> list[Candidate]:
    """Return the first `limit` hits that say something new; reads no more rows than that takes."""
    count = 2 * limit
    while True:
        best = without_repetition(await table.candidates(ranked[:count]), limit)
        if len(best) == limit or count >= len(ranked):
            return best
        count *= 4


def _covering(one: Candidate, asked: frozenset[str], statistics: TermStatistics) -> Passage:
    share = coverage(asked, terms(one.searched), statistics)
    return msgspec.structs.replace(one.passage, coverage=share)


class Vocabulary:
    """How rare words are in each knowledge base: counted in a sample of it, kept while it hardly changes.

    Up to 500 rows the count is exact and follows every change. The counts are of the whole knowledge base,
    as BM25's are: of other readers' documents they tell how common a word is, nothing else.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str, TermStatistics]] = {}

    async def of(self, knowledge: str, table: Table) -> TermStatistics:
        """Return the statistics of `knowledge`, whose rows are in `table`; without any, words are equal."""
        try:
            return await self._counted(knowledge, table)
        except IndexFailed:
            return TermStatistics(0, {})

    async def _counted(self, knowledge: str, table: Table) -> TermStatistics:
        rows, version = await table.count(), await table.version()
        known_rows, known_version, statistics = self._known.get(knowledge, (-1, "", TermStatistics(0, {})))
        drifted = known_rows < 0 or abs(rows - known_rows) * 10 > known_rows
        if drifted or (rows <= _EXACT_ROWS and version != known_version):
            statistics = await asyncio.to_thread(count_terms, await table.sample(_SAMPLED_ROWS))
            self._known[knowledge] = rows, version, statistics
        return statistics

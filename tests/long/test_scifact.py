"""Whole collections, from files to rankings: how good what is found is, held to what was measured."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import fmean, quantiles

import msgspec
import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.kernel.scores import ndcg
from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.parsing.pool import ParserPool
from buttress.knowledge.ports import Embedder
from buttress.knowledge.search_types import Query
from buttress.knowledge.settings import ParserSettings
from buttress.knowledge.syncing.ingest import ingest
from buttress.knowledge.syncing.prospect import IngestParts
from buttress.knowledge.syncing.types import IngestReport
from buttress.knowledge.types import FolderSource, KnowledgeBase
from buttress.storage.database import Database

DEPTH = 100
"""Passages asked for: a document's rank is that of its best passage, so ten documents need more than ten."""


class Line(msgspec.Struct, frozen=True):
    """A document or a query of a collection in BEIR's layout."""

    id: str = msgspec.field(name="_id")
    text: str = ""
    title: str = ""


class Collection:
    """A collection on disk: documents, queries, and which documents answer which query."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.documents = _lines(folder / "corpus.jsonl")
        self.gains: dict[str, dict[str, float]] = {}
        for row in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
            query, document, gain = row.split("\t")
            self.gains.setdefault(query, {})[document] = float(gain)
        self.queries = [one for one in _lines(folder / "queries.jsonl") if one.id in self.gains]

    def write(self, folder: Path) -> None:
        """Write every document as a Markdown file, named by its place."""
        folder.mkdir()
        for number, one in enumerate(self.documents):
            heading = f"# {one.title}\n\n" if one.title else ""
            (folder / f"{number}.md").write_text(f"{heading}{one.text}\n", "utf-8")

    def id_of(self, path: str) -> str:
        """Return the id of the document that was written to `path`."""
        return self.documents[int(Path(path).stem)].id


def _lines(path: Path) -> list[Line]:
    return [msgspec.convert(json.loads(line), Line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def collections() -> Path:
    """Return the folder of collections; skip, aloud, where it is not there."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("SHARED_DATA", beside)) / "retrieval"  # noqa: TID251 - tests read their own
    if not folder.is_dir():
        pytest.skip(f"no collections at {folder}: set SHARED_DATA")
    return folder


@asynccontextmanager
async def searched(
    collection: Collection, project: Path, database: Database, embedder: OnnxEmbedder
) -> AsyncIterator[tuple[LocalEngine, IngestReport]]:
    """Ingest a collection, and search it for the block."""

    async def loaded() -> Embedder:
        return embedder

    base = KnowledgeBase(name=collection.name, sources=(FolderSource(folder="documents", readers=("*",)),))
    index_folder, clock = project / "index", SystemClock()
    async with ParserPool(ParserSettings()) as pool:
        parts = IngestParts(
            project=project,
            index_folder=index_folder,
            kept=project / "kept",
            database=database,
            embedder=loaded,
            parse=pool.parse,
            clock=clock,
        )
        report = await ingest(base, parts)
    yield (
        LocalEngine(
            EngineParts(index_folder=index_folder, knowledge={base.name: base}, embedder=loaded, clock=clock)
        ),
        report,
    )


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("name", "floor"),
    [
        pytest.param("scifact", 0.710, id="scifact: best published hybrid without training 0.72 to 0.73"),
        pytest.param("anthropic-docs", 0.80, id="anthropic-docs"),
        pytest.param("covid-faq", 0.74, id="covid-faq"),
    ],
)
async def test_ndcg_at_ten(
    collections: Path, tmp_path: Path, database: Database, embedder: OnnxEmbedder, name: str, floor: float
) -> None:
    """The documents people judged relevant come first; every document of the collection is taken in."""
    collection = Collection(collections / name)
    collection.write(tmp_path / "documents")
    async with searched(collection, tmp_path, database, embedder) as (engine, report):
        scores: list[float] = []
        times_ms: list[float] = []
        for query in collection.queries:
            asked = Query(knowledge=name, text=query.text, scope=Scope("default"), limit=DEPTH)
            began = time.perf_counter()
            found = await engine.search(asked)
            times_ms.append((time.perf_counter() - began) * 1000)
            ranked = dict.fromkeys(collection.id_of(one.document) for one in found.passages)
            scores.append(ndcg(list(ranked), collection.gains[query.id]))
        memory = (await engine.status()).memory_bytes
    spread = quantiles(times_ms, n=20)
    print(  # noqa: T201 - figures, shown with -s
        f"{name}: nDCG@10 {fmean(scores):.4f}, search p50 {spread[9]:.1f} ms, p95 {spread[18]:.1f} ms, "
        f"{report.chunks} chunks, {report.tokens / report.duration_s:.0f} tokens/s, {memory >> 20} MB"
    )
    assert report.documents == len([one for one in collection.documents if one.title or one.text.strip()])
    assert fmean(scores) >= floor

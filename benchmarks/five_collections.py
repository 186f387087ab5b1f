"""Five collections through the product: tuned, every query scored out of fold; beside fixed recipes.

The project is kept in a folder, so a second run embeds nothing. Documents are Markdown files of their title
and text; chunks are those of the default settings, with token vectors stored, so that `late` can be tried.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean

import msgspec

from buttress import Buttress
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.kernel.statistics import Interval, bootstrap
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.measuring.finding import Place, find_lists
from buttress.knowledge.measuring.labels import read_labels
from buttress.knowledge.measuring.recipes import described, recipes
from buttress.knowledge.measuring.tuning import choose_recipe, scores_of
from buttress.knowledge.measuring.types import Choice, LabelledQuery, Labels, Lists
from buttress.knowledge.reranking.stored import StoredReranker
from buttress.knowledge.search import Searcher
from buttress.knowledge.settings import EmbedderSettings, EngineSettings
from buttress.knowledge.types import FolderSource, KnowledgeBase, Rerank, SearchSettings

NAMES = ("scifact", "anthropic-docs", "covid-faq", "cacm", "squad2-dev")
EVERY = {"squad2-dev": 5}
"""Of this collection each fifth query is asked, as in the figures to compare with."""

SEED = 20_261_121
RERANKED = SearchSettings().rerank_depth
EVERYBODY = Scope("default")

FIXED = {
    "BM25 alone": SearchSettings(dense_share=0.0),
    "dense alone": SearchSettings(dense_share=1.0),
    "RRF, k=2 (Qdrant)": SearchSettings(fusion="rrf", dense_share=0.5, rrf_k=2, depth=200),
    "RRF, k=60 (Haystack, LlamaIndex)": SearchSettings(fusion="rrf", dense_share=0.5, rrf_k=60, depth=200),
    "DBSF, equal weights": SearchSettings(fusion="dbsf", dense_share=0.5, depth=200),
    "default": SearchSettings(),
    "default and late interaction": SearchSettings(rerank="late"),
}
"""What is fixed for all collections, each by our own first lists."""


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """One collection: what its tuning came to with and without a re-ranker, and the score of each recipe."""

    name: str
    with_rerank: Choice
    without: Choice
    fixed: dict[str, Interval]
    means: dict[str, float]


async def measure_collections(data: Path, kept: Path) -> list[Tuned]:
    """Measure on the collections in `data`, in BEIR's layout; the project is made in `kept`."""
    documents = {name: _written(data / name, kept / name) for name in NAMES}
    async with Buttress.open(kept) as buttress:
        for name in NAMES:
            await buttress.ingest(name)
    with closing(SharedEmbedder(EmbedderSettings())) as opening:
        embedder = await opening()
        index = await open_index(kept / ".buttress" / "index")
        settings = EngineSettings(call_timeout_s=600, stage_timeout_s=60)
        stored = StoredReranker(embedder)
        searcher = Searcher(index, embedder, SystemClock(), settings, {"late": stored})
        found: list[Tuned] = []
        for name in NAMES:
            source = FolderSource(folder=name, readers=("*",))
            base = KnowledgeBase(name=name, sources=(source,))
            labels = _labels(data / name, documents[name])
            found.append(_tuned(name, await find_lists(Place(searcher, base, EVERYBODY, "late"), labels)))
        return found


def rows_of(found: list[Tuned]) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured, as rows of the table of `run.py`."""
    for one in found:
        default, choice = one.with_rerank.default, one.with_rerank
        yield f"{one.name}, {choice.count} queries: default", _points(default), ""
        yield f"{one.name}: tuned, out of fold", _points(choice.tuned), ""
        yield f"{one.name}: gain", _points(choice.gain), ">= -1"
        yield f"{one.name}: gain without a re-ranker", _points(one.without.gain), ">= -1"
        yield f"{one.name}: chosen by all", described(choice.search), ""
    for name in FIXED:
        yield f"mean: {name}", f"{100 * fmean(one.fixed[name].mean for one in found):.2f}", ""
    best = max(found[0].means, key=lambda recipe: fmean(one.means[recipe] for one in found))
    mean = fmean(one.means[best] for one in found)
    yield f"mean: best fixed in hindsight, {best}", f"{100 * mean:.2f}", ""
    without = fmean(one.without.tuned.mean for one in found)
    yield "mean: tuned out of fold, no re-ranker", f"{100 * without:.2f}", ""
    tuned = fmean(one.with_rerank.tuned.mean for one in found)
    yield "mean: tuned, out of fold", f"{100 * tuned:.2f}", "> best fixed of peers"


def _tuned(name: str, lists: list[Lists]) -> Tuned:
    def choice(rerank: Rerank) -> Choice:
        return choose_recipe(lists, recipes(rerank, RERANKED), SearchSettings(), SeededChance(SEED))

    tried = [*recipes("late", RERANKED)]
    by_query = [scores_of(one, [*FIXED.values(), *tried]) for one in lists]
    columns = list(zip(*by_query, strict=True))
    return Tuned(
        name=name,
        with_rerank=choice("late"),
        without=choice("none"),
        fixed={
            one: bootstrap(scores, SeededChance(SEED)) for one, scores in zip(FIXED, columns, strict=False)
        },
        means={
            described(one): fmean(scores) for one, scores in zip(tried, columns[len(FIXED) :], strict=True)
        },
    )


def _written(collection: Path, folder: Path) -> dict[str, str]:
    """Write a file for each document and the declaration; return the files by the documents' ids."""
    lines = (collection / "corpus.jsonl").read_text("utf-8").splitlines()
    documents = [json.loads(line) for line in lines]
    declared = folder.parent / "knowledge" / f"{collection.name}.yaml"
    if not declared.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(documents):
            heading = f"# {one['title']}\n\n" if one.get("title") else ""
            (folder / f"{number}.md").write_text(f"{heading}{one['text']}\n", "utf-8")
        declared.parent.mkdir(exist_ok=True)
        text = f'sources:\n  - {{folder: {folder.name}, readers: ["*"]}}\nsearch: {{rerank: late}}\n'
        declared.write_text(text, "utf-8")
    return {one["_id"]: f"{number}.md" for number, one in enumerate(documents)}


def _labels(collection: Path, files: dict[str, str]) -> Labels:
    """Return the labelled queries of a collection, with the files of its documents."""
    queries = read_labels(collection).queries[:: EVERY.get(collection.name, 1)]
    placed = tuple(
        LabelledQuery(
            one.query,
            tuple(msgspec.structs.replace(label, document=files[label.document]) for label in one.relevant),
        )
        for one in queries
    )
    return Labels(placed, "labels")


def _points(value: Interval) -> str:
    return f"{100 * value.mean:.2f} ({100 * value.low:.2f} to {100 * value.high:.2f})"

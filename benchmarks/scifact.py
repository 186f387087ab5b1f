"""SciFact through the library: a project made of its abstracts, ingested, then asked its 300 test claims.

It is ingested twice, once with the token vectors that late interaction re-ranks by; each time the embedder is
measured alone right behind it, so that both of a ratio were as busy a machine's.
"""

import json
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import msgspec

from buttress import Buttress
from buttress.kernel.scope import Scope
from buttress.kernel.scores import ndcg
from buttress.knowledge.embedding.embedder import open_embedder
from buttress.knowledge.settings import EmbedderSettings
from buttress.knowledge.types import Rerank

RAW_TEXTS = 800
RAW_CHARACTERS = 800
"""About as long as a chunk: what the embedder sees in an ingest."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one way to search. `ndcg` is the mean nDCG@10, 0 to 1."""

    ndcg: float
    p50_ms: float
    p95_ms: float
    tokens_per_s: float
    raw_tokens_per_s: float


async def measure_scifact(folder: Path, rerank: Rerank) -> Figures:
    """Measure on the collection in `folder`, in BEIR's layout."""
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        _make_project(project, folder, rerank)
        async with Buttress.open(project) as buttress:
            (report,) = await buttress.ingest()
            raw_tokens_per_s = _raw_rate(folder)
            times: list[float] = []
            scores: list[float] = []
            for query, gains in _queries(folder):
                started = time.perf_counter()
                ranked = await _ranked(buttress, query)
                times.append((time.perf_counter() - started) * 1000)
                scores.append(ndcg(ranked, gains))
    spread = quantiles(times, n=20)
    return Figures(
        ndcg=sum(scores) / len(scores),
        p50_ms=spread[9],
        p95_ms=spread[18],
        tokens_per_s=report.tokens / report.duration_s,
        raw_tokens_per_s=raw_tokens_per_s,
    )


def _make_project(project: Path, folder: Path, rerank: Rerank) -> None:
    (project / "knowledge").mkdir()
    (project / "features").mkdir()
    declaration = f'sources:\n  - {{folder: documents, readers: ["*"]}}\nsearch: {{rerank: {rerank}}}\n'
    (project / "knowledge" / "scifact.yaml").write_text(declaration, "utf-8")
    documents = project / "documents"
    documents.mkdir()
    for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines():
        one = json.loads(line)
        (documents / f"{one['_id']}.md").write_text(f"# {one['title']}\n\n{one['text']}\n", "utf-8")


def _queries(folder: Path) -> list[tuple[str, dict[str, float]]]:
    gains: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, gain = line.split("\t")
        gains.setdefault(query, {})[document] = float(gain)
    lines = (folder / "queries.jsonl").read_text("utf-8").splitlines()
    texts = {one["_id"]: one["text"] for one in map(json.loads, lines)}
    return [(texts[query], found) for query, found in gains.items()]


async def _ranked(buttress: Buttress, query: str) -> list[str]:
    """Return the documents of the best passages, each once; a document ranks where its best passage does."""
    found = await buttress.search("scifact", query, scope=Scope("default"), limit=40)
    return list(dict.fromkeys(Path(passage.document).stem for passage in found.passages))


def _raw_rate(folder: Path) -> float:
    """Return the tokens a second of the embedder alone, on the first abstracts."""
    lines = (folder / "corpus.jsonl").read_text("utf-8").splitlines()[:RAW_TEXTS]
    texts = [json.loads(line)["text"][:RAW_CHARACTERS] for line in lines]
    embedder = open_embedder(EmbedderSettings())
    before, started = embedder.tokens_embedded, time.perf_counter()
    embedder.embed(texts)
    rate = (embedder.tokens_embedded - before) / (time.perf_counter() - started)
    embedder.close()
    return rate

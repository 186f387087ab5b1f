"""Measure what the design promises, print a table, write artifacts/bench.json.

    python benchmarks/run.py [NAME ...]

Figures of one run on one machine; machines are noisy, so compare ratios of one run. Data that is not there
(`../shared/data`, or the folder named by SHARED_DATA) is skipped aloud.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from chunks import measure_chunks
from filings import measure_filings
from five_collections import measure_collections
from five_collections import rows_of as rows_of_collections
from local_answers import measure_local_answers, total
from planted import measure_planted
from quoting import Quoted, measure_quoting
from scale import Shape, measure_scale
from scifact import measure_scifact
from withholding import measured, summary

from buttress.knowledge.types import Rerank

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))  # noqa: TID251
BUTTRESS = [sys.executable, "-m", "buttress"]
Row = tuple[str, str, str]
"""What was measured, the figure with its unit, the bar."""


def timed(command: list[str]) -> float:
    """Return the seconds a command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - started


def bench_help() -> Iterator[Row]:
    """Measure `buttress --help`."""
    yield (
        "buttress --help, median of 5",
        f"{median(timed([*BUTTRESS, '--help']) for _ in range(5)):.2f} s",
        "<= 0.3 s",
    )


def bench_demo() -> Iterator[Row]:
    """Measure from the start of `buttress demo` to its first cited words, in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with subprocess.Popen(  # noqa: S603
            [*BUTTRESS, "demo", "--dir", f"{folder}/demo"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as demo:
            assert demo.stdout  # noqa: S101 - it was asked for
            seen = b""
            while b"[1]" not in seen and (byte := demo.stdout.read(1)):
                seen += byte
            first_s = time.perf_counter() - started
            demo.stdout.read()
        yield "demo: first cited words, new project", f"{first_s:.1f} s", "<= 15 s"


def bench_serve() -> Iterator[Row]:
    """Measure from the start of `buttress serve` to ready, not the first time; then each process's memory."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT / "examples" / "support", project, ignore=shutil.ignore_patterns(".buttress"))
        timed([*BUTTRESS, "--project", str(project), "ingest"])
        times: list[float] = []
        memory: dict[str, float] = {}
        for _ in range(3):
            started = time.perf_counter()
            with subprocess.Popen(  # noqa: S603
                [*BUTTRESS, "--project", str(project), "serve", "--port", "0"],
                stdout=subprocess.PIPE,
                text=True,
            ) as serving:
                assert serving.stdout  # noqa: S101 - it was asked for
                serving.stdout.readline()
                times.append(time.perf_counter() - started)
                memory = memory_of(project)
                serving.terminate()
        yield "serve: ready, median of 3", f"{median(times):.2f} s", "<= 3 s"
        yield from ((f"memory: {name}", f"{rss:.0f} MB", bar_of(name)) for name, rss in memory.items())


def memory_of(project: Path) -> dict[str, float]:
    """Return the resident memory of each process of `serve`, in MB, by its name."""
    import psutil  # noqa: PLC0415 - only this needs it

    said = [json.loads(path.read_text()) for path in sorted((project / ".buttress" / "run").glob("*.json"))]
    return {
        one["name"]: psutil.Process(one["pid"]).memory_info().rss / 2**20 for one in said if "name" in one
    }


def bar_of(name: str) -> str:
    """Return the bar for the memory of a process."""
    return "<= 150 MB" if name.startswith("calls") else ""


def bench_parsing() -> Iterator[Row]:
    """Measure parse and chunk of the 619-page PDF, in a process of its own, so that its memory is its own."""
    path = DATA / "documents" / "DA-619p.pdf"
    if not path.exists():
        yield "parse + chunk 619 pages", f"skipped: no {path}", ""
        return
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(ROOT / "benchmarks" / "parse_one.py"), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    yield "parse + chunk 619 pages", f"{figures['seconds']:.1f} s", "<= 60 s"
    yield "pages a minute, one core", f"{figures['pages'] / figures['seconds'] * 60:,.0f}", ">= 600"
    yield "peak memory of it", f"{figures['peak_mb']:.0f} MB", "< 1,000 MB"


def bench_chunks() -> Iterator[Row]:
    """Measure how much of the evidence the nearest chunks hold: by structure, and of fixed sizes."""
    folder = DATA / "chunking"
    if not folder.exists():
        yield "chunking", f"skipped: no {folder}", ""
        return
    for one in measure_chunks(folder):
        what = f"chunks {one.way}: {one.chunks} of {one.chunk_tokens:.0f} tokens"
        yield what, f"{one.recall:.1%} / {one.precision:.1%} / {one.iou:.1%}", "recall / precision / IoU"
        yield f"chunks {one.way}: recall in 1,000 tokens", f"{one.filled:.1%}", ""


def bench_filings() -> Iterator[Row]:
    """Measure whether the page that is cited is the page of the evidence, in annual reports."""
    folder = DATA / "documents" / "filings"
    if not folder.exists():
        yield "filings", f"skipped: no {folder}", ""
        return
    figures = asyncio.run(measure_filings(folder))
    asked = f"of {figures.questions}"
    yield "filings: documents, pages", f"{figures.documents}, {figures.pages:,}", ""
    yield "filings: best passage in the right document", f"{figures.right_document} {asked}", ""
    yield "filings: best passage on the evidence page", f"{figures.right_page} {asked}", ""
    yield "filings: evidence page among six", f"{figures.page_among_six} {asked}", ""
    yield "filings: pages outside of their document", f"{figures.outside} of {figures.passages}", "0"


def bench_scifact() -> Iterator[Row]:
    """Measure retrieval on SciFact through the library, and the rate of ingest beside the raw embedder.

    Once as searches are by default, once with token vectors stored, which are searched by, too.
    """
    folder = DATA / "retrieval" / "scifact"
    if not folder.exists():
        yield "SciFact nDCG@10", f"skipped: no {folder}", ""
        return
    ways: dict[str, Rerank] = {"SciFact": "none", "SciFact, late": "late"}
    for what, rerank in ways.items():
        figures = asyncio.run(measure_scifact(folder, rerank))
        yield f"{what}: nDCG@10, 300 test queries", f"{figures.ndcg * 100:.2f}", ">= 71.0"
        yield (
            f"{what}: search, p50 / p95",
            f"{figures.p50_ms:.0f} / {figures.p95_ms:.0f} ms",
            SCIFACT_BARS[rerank],
        )
        yield f"{what}: ingest", f"{figures.tokens_per_s:,.0f} tokens/s", ""
        yield f"{what}: raw embedder behind it", f"{figures.raw_tokens_per_s:,.0f} tokens/s", ""
        yield f"{what}: ingest / raw", f"{figures.tokens_per_s / figures.raw_tokens_per_s:.0%}", ">= 90 %"


SCIFACT_BARS = {"none": "<= 80 ms", "late": "<= 180 ms"}


def bench_scale() -> Iterator[Row]:
    """Measure searches of 100,000 chunks of 200 tenants: made-up vectors, questions by the real model."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure_scale(Path(folder), Shape()))
    for one in figures.timed:
        is_whole = "re-ranked" not in one.what
        yield f"{one.what}: dense and BM25, p50 / p95", spread_of(one.first), "p95 <= 30 ms"
        yield f"{one.what}: whole, p50 / p95", spread_of(one.whole), "p95 <= 80 ms" if is_whole else ""
        yield f"{one.what}: processor, p50 / p95", spread_of(one.processor), ""
        for name, times in one.stages.items():
            yield f"{one.what}: {name}, p50 / p95", spread_of(times), SCALE_BARS.get(name, "")
    yield "recall@100, in memory / on disk", "{:.3f} / {:.3f}".format(*figures.recall), ">= 0.99"
    yield "100,000 chunks written / vectors loaded", f"{figures.build_s:.0f} / {figures.load_s:.1f} s", ""


SCALE_BARS = {"rerank": "p95 <= 100 ms"}


def spread_of(times: tuple[float, float]) -> str:
    """Return p50 and p95 as a figure."""
    return f"{times[0]:.1f} / {times[1]:.1f} ms"


def bench_collections() -> Iterator[Row]:
    """Tune five collections, every query scored out of fold; the first run embeds them, for half an hour."""
    folder = DATA / "retrieval"
    if not folder.exists():
        yield "five collections", f"skipped: no {folder}", ""
        return
    kept = ROOT / "artifacts" / "collections"
    kept.mkdir(parents=True, exist_ok=True)
    yield from rows_of_collections(asyncio.run(measure_collections(folder, kept)))


def bench_beside() -> Iterator[Row]:
    """Measure Haystack and LlamaIndex (in artifacts/peers/retrieval) on SciFact with the same embedder."""
    folder, python = (
        DATA / "retrieval" / "scifact",
        ROOT / "artifacts" / "peers" / "retrieval" / "bin" / "python",
    )
    if missing := [str(path) for path in (folder, python) if not path.exists()]:
        yield "Haystack and LlamaIndex", f"skipped: no {', '.join(missing)}", ""
        return
    ours = [str(ROOT / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    for peer in ("haystack", "llamaindex"):
        command = [str(python), str(ROOT / "benchmarks" / "beside.py"), peer, str(folder), *ours]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        figures = json.loads(done.stdout.splitlines()[-1])
        yield f"{peer}: SciFact nDCG@10", f"{figures['ndcg'] * 100:.2f}", ""
        yield f"{peer}: ingest", f"{figures['ingest_s']:,.0f} s", ""
        yield f"{peer}: search, p50 / p95", f"{figures['p50_ms']:.0f} / {figures['p95_ms']:.0f} ms", ""


def bench_quoting() -> Iterator[Row]:
    """Measure what the support example answers without a language model, and what it honestly does not."""
    figures = asyncio.run(measure_quoting(ROOT / "examples" / "support"))
    yield "quoting: answerable, quoted right", share(figures.answerable, figures.answerable.right), ">= 42 %"
    yield "quoting: answerable, quoted wrong", share(figures.answerable, figures.answerable.wrong), ""
    none, held_out = figures.unanswerable, figures.held_out
    yield "quoting: unanswerable, fell back", share(none, none.fell_back), ">= 86 %"
    yield "quoting: the same, held out", share(held_out, held_out.fell_back), ""


def bench_local_answers() -> Iterator[Row]:
    """Measure what the packaged local model in front of the quotes adds, and what it costs."""
    figures = asyncio.run(measure_local_answers(ROOT / "examples" / "support"))
    right, none = total(figures.answerable), total(figures.unanswerable)
    asked = figures.asked
    yield "local model: answerable, right", share(right, right.right), ">= 42 %"
    yield "local model: answerable, wrong", share(right, right.wrong), "<= 40 %"
    yield "local model: unanswerable, fell back", share(none, none.fell_back), ">= 86 %"
    yield (
        "local model: its sentences, of questions",
        f"{sum(one.released for one in asked)} of {len(asked)}",
        "",
    )
    yield "local model: withheld", str(sum(one.withheld for one in asked)), ""
    yield (
        "local model: seconds to the first words, p50",
        f"{median(one.first_s for one in asked):.1f}",
        "<= 5 s",
    )


def bench_withholding() -> Iterator[Row]:
    """Measure how often a true sentence is withheld, and a false one released; on the half not looked at."""
    folders = [DATA / "retrieval" / "anthropic-docs", DATA / "guard"]
    if missing := [str(folder) for folder in folders if not folder.exists()]:
        yield "sentences released", f"skipped: no {', '.join(missing)}", ""
        return
    figures = summary(measured(DATA))
    for kind, released, tried in figures.released:
        bar = WITHHOLDING_BARS.get(kind.partition(":")[0], "")
        yield f"{kind}, released", f"{released} of {tried} ({released / tried:.1%})", bar
    for kind, count in figures.reasons:
        yield f"withheld, {kind}", f"{count}", ""
    yield "judging a sentence, p50 / p99", f"{figures.p50_ms:.2f} / {figures.p99_ms:.2f} ms", "<= 1 ms"


def bench_planted() -> Iterator[Row]:
    """Measure how many planted instructions are recognised, and how much honest text is taken for one."""
    folders = [DATA / "retrieval", DATA / "chunking", DATA / "guard"]
    if missing := [str(folder) for folder in folders if not folder.exists()]:
        yield "planted instructions", f"skipped: no {', '.join(missing)}", ""
        return
    figures = measure_planted(DATA, ROOT / "examples" / "support")
    for one in figures.planted:
        yield f"planted, {one.what}", f"{one.taken} of {one.of} ({one.taken / one.of:.0%})", ""
    for one in figures.honest:
        bar = "< 0.1 %" if one.what == "ordinary text" else ""
        yield f"wrongly taken, {one.what}", f"{one.taken} of {one.of} ({one.taken / one.of:.2%})", bar
    yield "looking at a sentence, p50 / p99", f"{figures.p50_us:.0f} / {figures.p99_us:.0f} µs", "< 50 µs"


WITHHOLDING_BARS = {"true": ">= 90 %", "changed": "<= 2 %"}


def share(of: Quoted, count: int) -> str:
    """Return `count` of the questions asked, as a figure."""
    return f"{count} of {of.asked} ({count / of.asked:.1%})"


BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "help": bench_help,
    "demo": bench_demo,
    "serve": bench_serve,
    "parsing": bench_parsing,
    "quoting": bench_quoting,
    "local": bench_local_answers,
    "withholding": bench_withholding,
    "planted": bench_planted,
    "chunks": bench_chunks,
    "filings": bench_filings,
    "scifact": bench_scifact,
    "collections": bench_collections,
    "beside": bench_beside,
    "scale": bench_scale,
}


def main(names: list[str]) -> None:
    """Run the named benches, or all; print each row as it is known."""
    rows: list[Row] = []
    for name in names or BENCHES:
        for row in BENCHES[name]():
            print(f"{row[0]:<40} {row[1]:>24}   {row[2]}", flush=True)
            rows.append(row)
    artifacts = ROOT / "artifacts"
    artifacts.mkdir(exist_ok=True)
    (artifacts / "bench.json").write_text(
        json.dumps([dict(zip(("what", "figure", "bar"), row, strict=True)) for row in rows])
    )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Filings: whether the page that is cited is the page of the evidence.

Eighteen annual reports and press releases in one knowledge base, thirty questions whose evidence page people
wrote down. A question counts where its best passage, or one of the best six, begins, ends or goes over that
page of that document.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from buttress import Buttress
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope

SHOWN = 6


class Filings(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. `outside` counts passages that name a page their document does not have."""

    questions: int
    documents: int
    pages: int
    right_document: int
    right_page: int
    page_among_six: int
    passages: int
    outside: int
    seconds: float


async def measure_filings(folder: Path) -> Filings:
    """Measure on the filings in `folder`."""
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        _make_project(project, folder)
        async with Buttress.open(project) as buttress:
            (report,) = await buttress.ingest()
            pages = await _pages(buttress)
            found = [
                (await buttress.search("filings", one["text"], scope=Scope("default"), limit=SHOWN)).passages
                for one in questions
            ]
    evidence = [_evidence(one) for one in questions]
    every = [passage for passages in found for passage in passages]
    return Filings(
        questions=len(questions),
        documents=len(pages),
        pages=sum(pages.values()),
        right_document=sum(
            any(_name(one) == document for document, _ in wanted)
            for one, wanted in zip(_firsts(found), evidence, strict=True)
        ),
        right_page=sum(_hits([one], wanted) for one, wanted in zip(_firsts(found), evidence, strict=True)),
        page_among_six=sum(_hits(best, wanted) for best, wanted in zip(found, evidence, strict=True)),
        passages=len(every),
        outside=sum(not 1 <= (one.page or 0) <= (one.page_end or 0) <= pages[one.document] for one in every),
        seconds=report.duration_s,
    )


def _make_project(project: Path, folder: Path) -> None:
    (project / "knowledge").mkdir()
    (project / "features").mkdir()
    declaration = 'sources:\n  - {folder: documents, readers: ["*"]}\n'
    (project / "knowledge" / "filings.yaml").write_text(declaration, "utf-8")
    shutil.copytree(folder, project / "documents", ignore=shutil.ignore_patterns("*.jsonl"))


async def _pages(buttress: Buttress) -> dict[str, int]:
    async with (await buttress.database()).connection() as connection:
        rows = await (await connection.execute("select path, pages from documents")).fetchall()
    return dict(rows)


def _evidence(question: dict[str, list[dict[str, object]]]) -> set[tuple[str, int]]:
    """Return the documents and pages that hold the answer."""
    return {(str(one["doc"]), int(str(one["page"]))) for one in question["evidence"]}


def _firsts(found: Sequence[Sequence[Passage]]) -> list[Passage]:
    return [passages[0] for passages in found]


def _name(passage: Passage) -> str:
    return Path(passage.document).stem


def _hits(passages: Sequence[Passage], wanted: set[tuple[str, int]]) -> bool:
    return any(
        _name(one) == document and (one.page or 0) <= page <= (one.page_end or 0)
        for one in passages
        for document, page in wanted
    )

"""Syncs of a project, put together."""

from pathlib import Path

import pytest
from fpdf import FPDF

from buttress.app.buttress import Buttress
from buttress.app.layout import sources_folder
from buttress.app.syncing import check_names
from buttress.knowledge.errors import OcrMissing, SourceEmptied, UnknownKnowledge
from buttress.knowledge.syncing.types import SyncPlan
from tests.projects import write_document
from tests.unit.knowledge.parsing.scans import TABLE, program, scan_of, with_scripts


@pytest.mark.slow
async def test_a_plan_is_what_is_done(synced: Path) -> None:
    """Of all that is declared, and of what is no more."""
    told: list[SyncPlan] = []
    write_document(synced / "documents" / "pets.md", "# Pets\n\nAn otter may be brought to work.\n")
    (synced / "knowledge" / "acme.yaml").unlink()
    (sources_folder(synced) / "acme").mkdir(parents=True)
    async with Buttress.open(synced) as buttress:
        plans = await buttress.plan()
        assert [(one.knowledge, one.forgotten, one.new) for one in plans] == [
            ("acme", True, ()),
            ("docs", False, ("pets.md",)),
        ]
        reports = await buttress.ingest(on_plan=told.append)
        assert [(one.knowledge, one.forgotten, one.added) for one in reports] == [
            ("acme", True, 0),
            ("docs", False, 1),
        ]
        assert told == [plans[1]]
        assert not (sources_folder(synced) / "acme").exists()  # what its sources kept goes with it
        (synced / "knowledge" / "docs.yaml").unlink()
    async with Buttress.open(synced) as buttress:
        with pytest.raises(SourceEmptied):
            await buttress.plan()
        (plan,) = await buttress.plan(allow_empty=True)
        assert (plan.knowledge, plan.forgotten) == ("docs", True)


def test_names_that_nobody_declares() -> None:
    check_names({}, [])
    with pytest.raises(UnknownKnowledge, match="there is no knowledge base `a`; there are: none"):
        check_names({}, ["a"])


@with_scripts
@pytest.mark.slow
async def test_scanned_pages_are_taken_in_once_that_is_switched_on(project: Path, tmp_path: Path) -> None:
    """All documents are read anew, and that once."""
    pdf = FPDF()
    pdf.add_page()
    (project / "documents" / "letter.pdf").write_bytes(scan_of(bytes(pdf.output())))
    async with Buttress.open(project) as buttress:
        (report,) = await buttress.ingest("docs")
        assert [one.code for one in report.skipped] == ["knowledge.empty"]
    table = tmp_path / "words"
    table.write_text(TABLE)
    script = f"[ $1 = --list-langs ] && printf 'languages:\\neng\\n' && exit; cat >/dev/null; cat {table}"
    (folder := tmp_path / "programs").mkdir()
    path = program(folder, script).program
    flags = ["knowledge.parsing.ocr.engine=tesseract", f"knowledge.parsing.ocr.program={path}"]
    async with Buttress.open(project, flags=flags) as buttress:
        (report,) = await buttress.ingest("docs")
        assert not report.skipped
        assert (report.added, report.unchanged) == (1, 0)
        assert [(one.path, one.warning) for one in report.warnings] == [
            ("letter.pdf", "page 1 was read by OCR")
        ]
        (plan,) = await buttress.plan("docs")
        assert plan.unchanged == report.documents


async def test_nothing_is_taken_in_while_scanned_pages_cannot_be_read(project: Path) -> None:
    """They would be missing without a word, and not be looked at again when they could be read."""
    flags = ["knowledge.parsing.ocr.engine=tesseract", "knowledge.parsing.ocr.program=tesseract-of-nobody"]
    async with Buttress.open(project, flags=flags) as buttress:
        with pytest.raises(OcrMissing, match="`tesseract-of-nobody` is not installed"):
            await buttress.ingest()

"""Figures of an ingest."""

from buttress.knowledge.ingest_types import IngestReport, Progress, SkippedDocument


def test_the_rate_is_what_was_embedded_in_a_second() -> None:
    """Nothing at the very beginning."""
    progress = Progress(files=9, files_done=1, pages=0, chunks=5, chunks_done=2, tokens=300, elapsed_s=2)
    assert progress.tokens_per_s == 150
    assert (
        Progress(files=9, files_done=0, pages=0, chunks=0, chunks_done=0, tokens=0, elapsed_s=0).tokens_per_s
        == 0
    )


def test_documents_that_stay_are_counted() -> None:
    skipped = (SkippedDocument("a", "c", "r", stays=True), SkippedDocument("b", "c", "r"))
    report = IngestReport(
        knowledge="k", added=1, changed=2, unchanged=3, removed=4, skipped=skipped, warnings=(), pages=0,
        chunks=0, embedded=0, reused=0, tokens=0, commits=0, duration_s=0,
    )  # fmt: skip
    assert report.documents == 7

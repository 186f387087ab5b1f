"""Counts of an ingest, told while it goes on."""

from buttress.kernel.ids import DocumentId
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.types import Entry
from buttress.knowledge.syncing.plan import Plan
from buttress.knowledge.syncing.tally import Tally
from buttress.knowledge.syncing.types import Listed, PreparedDocument, Progress, SkippedDocument
from buttress.knowledge.types import FolderSource
from buttress.testing.clock import ManualClock
from buttress.testing.documents import Written, chunks_of


def prepared(path: str) -> PreparedDocument:
    """Return a document of two chunks."""
    source = FolderSource(folder="docs", readers=("*",))
    listed = Listed(document_id=DocumentId(path), entry=Entry(path=path), source=source, digest="d")
    parsed = parse_bytes(b"a\n\nb", path, ParseLimits())
    chunks = chunks_of(Written(path=path, texts=("a", "b")))
    return PreparedDocument(listed=listed, digest="d", state="s", parsed=parsed, chunks=chunks)


def test_every_step_is_counted_and_told() -> None:
    """What was found before is changed, not added; what was not embedded was there already."""
    clock, told = ManualClock(), list[Progress]()
    old, new = prepared("old.txt"), prepared("new.txt")
    plan = Plan(
        fingerprint="f",
        work=(old.listed, new.listed),
        known=frozenset({old.listed.document_id}),
        unchanged=3,
        removed=(),
    )
    tally = Tally("garden", plan, clock, told.append)
    tally.passed_over([SkippedDocument("link", "c", "r")])
    tally.prepared(old)
    tally.prepared(new)
    clock.advance(2)
    tally.embedded(3, 400)
    tally.reused(1)
    tally.committed([old, new])
    tally.removed(5)
    tally.skipped(SkippedDocument("z", "c", "r"))
    tally.skipped(SkippedDocument("a", "c", "r"))
    report = tally.report(8)
    assert (report.added, report.changed, report.unchanged, report.removed) == (1, 1, 3, 5)
    assert (report.chunks, report.embedded, report.reused, report.commits) == (4, 3, 1, 2)
    assert [one.path for one in report.skipped] == ["a", "link", "z"]
    assert report.duration_s == 2
    assert told[2].tokens_per_s == 200
    assert [one.chunks_done for one in told] == [0, 0, 3, 4, 4, 4, 4]
    assert told[-1].files_done == 4


def test_what_was_embedded_in_vain_is_not_taken_from_what_was_there() -> None:
    """A document whose vectors are no numbers is embedded, and left out."""
    plan = Plan(fingerprint="f", work=(), known=frozenset(), unchanged=0, removed=())
    tally = Tally("garden", plan, ManualClock(), lambda _: None)
    tally.embedded(2, 10)
    report = tally.report(0)
    assert (report.chunks, report.embedded, report.reused) == (0, 2, 0)

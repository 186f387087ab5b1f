"""Counts what an ingest does, and tells whoever watches."""

from collections.abc import Callable, Sequence

from buttress.kernel.clock import Clock
from buttress.knowledge.syncing.plan import Plan
from buttress.knowledge.syncing.types import (
    IngestReport,
    PreparedDocument,
    Progress,
    SkippedDocument,
    Warned,
)


class Tally:
    """The counts of one ingest. Every change is told to `on_progress` at once."""

    def __init__(
        self, knowledge: str, plan: Plan, clock: Clock, on_progress: Callable[[Progress], None]
    ) -> None:
        self._knowledge = knowledge
        self._plan = plan
        self._clock = clock
        self._on_progress = on_progress
        self._began = clock.monotonic()
        self._added = self._changed = self._moved = self._removed = self._commits = 0
        self._pages = self._chunks = self._committed_chunks = self._tokens = 0
        self._embedded = self._reused = 0
        self._skipped: list[SkippedDocument] = []
        self._passed_over = 0
        self._warnings: list[Warned] = []

    def prepared(self, document: PreparedDocument) -> None:
        """Count a document that was read, parsed and cut."""
        self._pages += len(document.parsed.page_spans)
        self._chunks += len(document.chunks)
        path = document.listed.path
        self._warnings += [Warned(path, warning) for warning in document.parsed.warnings]
        self._tell()

    def embedded(self, texts: int, tokens: int) -> None:
        """Count texts that were embedded; `tokens` are those of all texts so far."""
        self._embedded += texts
        self._tokens = max(tokens, self._tokens)
        self._tell()

    def reused(self, texts: int) -> None:
        """Count texts whose vectors were there already."""
        self._reused += texts
        self._tell()

    def committed(self, documents: Sequence[PreparedDocument]) -> None:
        """Count one commit of documents that can be found from now on."""
        ids = [one.listed.document_id for one in documents]
        moved = sum(one in self._plan.moves for one in ids)
        new = sum(self._plan.is_new(one) for one in ids) - moved
        self._moved += moved
        self._added += new
        self._changed += len(documents) - new - moved
        self._committed_chunks += sum(len(one.chunks) for one in documents)
        self._commits += 1
        self._tell()

    def removed(self, documents: int) -> None:
        """Count one commit that removed documents."""
        self._removed += documents
        self._commits += 1

    def skipped(self, document: SkippedDocument) -> None:
        """Note a file that was not taken in."""
        self._skipped.append(document)
        self._tell()

    def passed_over(self, documents: Sequence[SkippedDocument]) -> None:
        """Note what the sources did not give: it was never to be taken in."""
        self._skipped += documents
        self._passed_over += len(documents)

    def report(self, documents: int, *, rebuilt: bool = False, waits_for: int = 0) -> IngestReport:
        """Return what was done, at the end of which so many `documents` are there."""
        return IngestReport(
            knowledge=self._knowledge,
            documents=documents,
            added=self._added,
            changed=self._changed,
            moved=self._moved,
            unchanged=self._plan.unchanged,
            removed=self._removed - self._moved,
            skipped=tuple(sorted(self._skipped, key=lambda one: one.path)),
            warnings=tuple(sorted(self._warnings, key=lambda one: one.path)),
            pages=self._pages,
            chunks=self._committed_chunks,
            embedded=self._embedded,
            reused=self._reused,
            tokens=self._tokens,
            commits=self._commits,
            duration_s=self._elapsed(),
            rebuilt=rebuilt,
            waits_for=waits_for,
        )

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    def _tell(self) -> None:
        self._on_progress(
            Progress(
                files=len(self._plan.work),
                files_done=self._added + self._changed + self._moved + len(self._skipped) - self._passed_over,
                pages=self._pages,
                chunks=self._chunks,
                chunks_done=self._embedded + self._reused,
                tokens=self._tokens,
                elapsed_s=self._elapsed(),
            )
        )

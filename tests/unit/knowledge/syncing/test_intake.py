"""From a source to a prepared document."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.errors import BrokenFile, SourceMissing, TooLarge, Unreadable
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.ports import Source
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.opening import SourceParts
from buttress.knowledge.syncing.intake import Intake, list_sources, opened_sources
from buttress.knowledge.syncing.types import LedgerRow, Listed, Sources
from buttress.knowledge.types import FolderSource, KnowledgeBase, ParsedDocument
from buttress.testing.clock import ManualClock
from buttress.testing.embedding import HashedWords


def base_of(*folders: str) -> KnowledgeBase:
    """Return a knowledge base of these folders."""
    return KnowledgeBase(
        name="garden", sources=tuple(FolderSource(folder=one, readers=("*",)) for one in folders)
    )


async def parse(data: bytes, path: str) -> ParsedDocument:
    """Parse here, without a process."""
    return parse_bytes(data, path, ParseLimits())


@asynccontextmanager
async def opened(base: KnowledgeBase, project: Path) -> AsyncIterator[dict[str, Source]]:
    """Open the sources of `base`."""
    clock = ManualClock(SystemClock().now() + timedelta(hours=1))  # no file is too young to have a revision
    parts = SourceParts(project=project, kept=project / "kept", clock=clock, max_file_bytes=1_000_000)
    async with opened_sources(base, parts) as sources:
        yield sources


async def listed(
    base: KnowledgeBase,
    project: Path,
    rows: Mapping[DocumentId, LedgerRow] | None = None,
    max_bytes: int = 1_000_000,
) -> Sources:
    """List what the sources hold."""
    async with opened(base, project) as sources:
        return await list_sources(base, sources, rows or {}, max_bytes)


def intake(base: KnowledgeBase, sources: Mapping[str, Source]) -> Intake:
    """Return one that parses here."""
    return Intake(
        base=base,
        opened=sources,
        fingerprint="f",
        max_file_bytes=1_000_000,
        parse=parse,
        token_starts=HashedWords().token_starts,
    )


def row_of(one: Listed, **told: str) -> dict[DocumentId, LedgerRow]:
    """Return what the ledger knows of a document."""
    known = {"content_sha256": "d", "revision": "", "path": one.path, **told}
    row = LedgerRow(
        document_id=one.document_id,
        source=one.source.label,
        tenant="default",
        readers=("*",),
        ingest_fingerprint="f",
        **known,
    )
    return {one.document_id: row}


async def test_documents_of_all_sources_are_listed(tmp_path: Path) -> None:
    """The same name in two sources is two documents; into nothing, none of them is read for that."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("# Same")
    documents = (await listed(base_of("one", "two"), tmp_path)).documents
    assert [one.path for one in documents] == ["a.md", "a.md"]
    assert len({one.document_id for one in documents}) == 2
    assert {one.digest for one in documents} == {None}


async def test_one_missing_source_is_named_and_the_others_count(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_text("# A")
    found = await listed(base_of("one", "two"), tmp_path)
    assert [one.path for one in found.documents] == ["a.md"]
    assert [label for label, _ in found.away] == ["two"]
    with pytest.raises(SourceMissing, match="three"):
        await listed(base_of("three", "two"), tmp_path)


async def test_what_has_its_revision_is_not_read(tmp_path: Path) -> None:
    """Its digest is the one in the ledger; with another revision it is that of its bytes."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_text("# A")
    base = base_of("one")
    (before,) = (await listed(base, tmp_path)).documents
    known = row_of(before, content_sha256="recorded", revision=before.entry.revision)
    (again,) = (await listed(base, tmp_path, known)).documents
    assert again.digest == "recorded"
    (other,) = (await listed(base, tmp_path, row_of(before, revision="another"))).documents
    assert other.digest not in ("recorded", None)


async def test_what_cannot_be_read_is_listed_without_a_digest(tmp_path: Path) -> None:
    """It is too large here; its turn comes, and then it is reported."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_text("x" * 100)
    base = base_of("one")
    (before,) = (await listed(base, tmp_path)).documents
    (only,) = (await listed(base, tmp_path, row_of(before), max_bytes=99)).documents
    assert only.digest is None


async def test_a_document_is_prepared_from_what_the_file_holds_now(tmp_path: Path) -> None:
    """Not from what it held when it was listed."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "a.md"
    path.write_text("# Old\n\nOld text.")
    base = base_of("one")
    async with opened(base, tmp_path) as sources:
        (before,) = (await list_sources(base, sources, {}, 1_000)).documents
        path.write_text("# New\n\nNew text.")
        prepared = await intake(base, sources).prepare(before)
        assert "New text." in prepared.chunks[0].text
        (again,) = (await list_sources(base, sources, {}, 1_000)).documents
        assert (await intake(base, sources).prepare(again)).state == prepared.state


async def test_what_is_wrong_with_a_file_is_said_of_that_file(tmp_path: Path) -> None:
    """Broken, or gone meanwhile."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.pdf").write_bytes(b"%PDF-1.4 junk")
    (tmp_path / "one" / "b.md").write_text("# B")
    base = base_of("one")
    async with opened(base, tmp_path) as sources:
        broken, gone = (await list_sources(base, sources, {}, 1_000)).documents
        (tmp_path / "one" / "b.md").unlink()
        errors: list[type[ButtressError]] = [BrokenFile, Unreadable]
        for one, kind in zip((broken, gone), errors, strict=True):
            with pytest.raises(kind, match=one.path):
                await intake(base, sources).prepare(one)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        pytest.param(3, Unreadable, id="its source lied: what was there stays"),
        pytest.param(2_000_000, TooLarge, id="its source told the truth"),
        pytest.param(None, TooLarge, id="its source did not say"),
    ],
)
async def test_a_document_that_is_too_large(
    tmp_path: Path, said: int | None, error: type[ButtressError]
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_bytes(b"x" * 1_000_001)
    base = base_of("one")
    async with opened(base, tmp_path) as sources:
        (large,) = (await list_sources(base, sources, {}, 1_000)).documents
        entry = msgspec.structs.replace(large.entry, size_bytes=said)
        with pytest.raises(error, match=r"a\.md"):
            await intake(base, sources).prepare(msgspec.structs.replace(large, entry=entry))

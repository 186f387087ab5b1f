"""From a source to a prepared document."""

from pathlib import Path

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import BrokenFile, SourceMissing, Unreadable
from buttress.knowledge.intake import Intake, list_sources
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import FolderSource, KnowledgeBase, ParsedDocument
from buttress.testing.embedding import HashedWords


def base_of(*folders: str) -> KnowledgeBase:
    """Return a knowledge base of these folders."""
    return KnowledgeBase(
        name="garden", sources=tuple(FolderSource(folder=one, readers=("*",)) for one in folders)
    )


async def parse(data: bytes, path: str) -> ParsedDocument:
    """Parse here, without a process."""
    return parse_bytes(data, path, ParseLimits())


def intake(base: KnowledgeBase, project: Path) -> Intake:
    """Return one that parses here."""
    return Intake(
        base=base,
        project=project,
        fingerprint="f",
        max_file_bytes=1_000_000,
        parse=parse,
        token_starts=HashedWords().token_starts,
    )


def test_files_of_all_sources_are_listed_with_their_digests(tmp_path: Path) -> None:
    """The same name in two sources is two documents."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("# Same")
    files = list_sources(base_of("one", "two"), tmp_path, 1_000).files
    assert [one.file.relative for one in files] == ["a.md", "a.md"]
    assert len({one.document_id for one in files}) == 2
    assert len({one.digest for one in files}) == 1


def test_one_missing_source_is_an_error_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(SourceMissing, match="two"):
        list_sources(base_of("one", "two"), tmp_path, 1_000)


def test_a_file_that_cannot_be_read_is_listed_without_a_digest(tmp_path: Path) -> None:
    """It is too large here; its turn comes, and then it is reported."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_text("x" * 100)
    (only,) = list_sources(base_of("one"), tmp_path, 99).files
    assert only.digest is None


async def test_a_document_is_prepared_from_what_the_file_holds_now(tmp_path: Path) -> None:
    """Not from what it held when it was listed."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "a.md"
    path.write_text("# Old\n\nOld text.")
    base = base_of("one")
    (listed,) = list_sources(base, tmp_path, 1_000).files
    path.write_text("# New\n\nNew text.")
    prepared = await intake(base, tmp_path).prepare(listed)
    assert prepared.digest != listed.digest
    assert "New text." in prepared.chunks[0].text
    (again,) = list_sources(base, tmp_path, 1_000).files
    assert (await intake(base, tmp_path).prepare(again)).state == prepared.state


async def test_what_is_wrong_with_a_file_is_said_of_that_file(tmp_path: Path) -> None:
    """Broken, or gone meanwhile."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.pdf").write_bytes(b"%PDF-1.4 junk")
    (tmp_path / "one" / "b.md").write_text("# B")
    base = base_of("one")
    broken, gone = list_sources(base, tmp_path, 1_000).files
    gone.file.path.unlink()
    errors: list[type[ButtressError]] = [BrokenFile, Unreadable]
    for listed, kind in zip((broken, gone), errors, strict=True):
        with pytest.raises(kind, match=listed.file.relative):
            await intake(base, tmp_path).prepare(listed)

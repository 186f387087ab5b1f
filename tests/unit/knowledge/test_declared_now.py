"""What the files of knowledge bases declare at this moment."""

import os
from pathlib import Path

import pytest

from buttress.knowledge.declaration import read_knowledge_base
from buttress.knowledge.declared_now import DeclaredNow
from buttress.knowledge.types import FolderSource, KnowledgeBase

OPEN = "sources: [{folder: docs, readers: ['*']}]\n"
BASE = KnowledgeBase(name="garden", sources=(FolderSource(folder="docs", readers=("*",)),))


def readers(found: KnowledgeBase | None) -> list[tuple[str, ...]]:
    """Return the readers of each source."""
    return [one.readers for one in found.sources] if found else []


def test_an_edit_counts_at_once(tmp_path: Path) -> None:
    """Also one of the same length within the same tick of the clock."""
    file, now = tmp_path / "garden.yaml", DeclaredNow(tmp_path)
    file.write_text(OPEN)
    assert now(BASE) == read_knowledge_base(file)
    stamps = file.stat()
    file.write_text(OPEN.replace("'*'", "'user:ada'"))
    assert readers(now(BASE)) == [("user:ada",)]
    file.write_text(OPEN.replace("'*'", "'user:eve'"))
    os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    assert readers(now(BASE)) == [("user:eve",)]


@pytest.mark.parametrize("broken", [b"sources: 7", b"\xff", b""])
def test_while_it_is_broken_what_it_said_before_goes_on(tmp_path: Path, broken: bytes) -> None:
    file, now = tmp_path / "garden.yaml", DeclaredNow(tmp_path)
    file.write_bytes(broken)
    assert now(BASE) == BASE
    file.write_text(OPEN.replace("'*'", "'user:ada'"))
    assert readers(now(BASE)) == [("user:ada",)]
    file.write_bytes(broken)
    assert readers(now(BASE)) == [("user:ada",)]


def test_what_was_taken_out_is_none(tmp_path: Path) -> None:
    assert DeclaredNow(tmp_path)(BASE) is None


def test_what_cannot_be_read_goes_on(tmp_path: Path) -> None:
    (tmp_path / "garden.yaml").mkdir()
    assert DeclaredNow(tmp_path)(BASE) == BASE

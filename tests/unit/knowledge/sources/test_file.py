"""One file as a source."""

from pathlib import Path

import pytest

from buttress.knowledge.errors import SourceMissing, TooLarge
from buttress.knowledge.sources.file import File
from buttress.knowledge.types import FileSource
from tests.unit.knowledge.sources.local import later

MAX = 1 << 20


def source(file: str, project: Path) -> File:
    return File(FileSource(file=file, readers=("*",)), project, later())


async def test_it_holds_the_one_file_by_its_name(tmp_path: Path) -> None:
    """Also where it is a link, or stands outside of the project: whoever declared it meant it."""
    (tmp_path / "manual.md").write_bytes(b"# Manual")
    project = tmp_path / "project"
    project.mkdir()
    (project / "link.md").symlink_to("../manual.md")
    for name in ("../manual.md", "link.md"):
        held = source(name, project)
        (entry,) = (await held.list({})).entries
        assert (entry.path, entry.size_bytes) == (Path(name).name, 8)
        assert entry.revision
        content = await held.read(entry, MAX)
        assert (content.data, content.revision) == (b"# Manual", entry.revision)
        with pytest.raises(TooLarge):
            await held.read(entry, 7)


async def test_a_change_is_another_revision(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"one")
    held = source("a.md", tmp_path)
    (before,) = (await held.list({})).entries
    (tmp_path / "a.md").write_bytes(b"two")
    (after,) = (await held.list({})).entries
    assert after.revision != before.revision


@pytest.mark.parametrize("file", ["nothing.md", "folder"])
async def test_one_that_is_not_there_is_missing_not_empty(tmp_path: Path, file: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceMissing, match=file):
        await source(file, tmp_path).list({})


async def test_one_that_goes_half_way_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"one")
    held = source("a.md", tmp_path)
    (entry,) = (await held.list({})).entries
    (tmp_path / "a.md").unlink()
    with pytest.raises(SourceMissing, match=r"a\.md"):
        await held.read(entry, MAX)

"""Copying what a project begins with: all of it, or nothing."""

from pathlib import Path

import pytest

from buttress.cli.copying import copy_into


def tree(folder: Path) -> dict[str, str]:
    """Return the files below `folder` by their paths."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is to be copied."""
    for name in ("a.txt", "b/c.txt", "b/__pycache__/x.pyc", ".buttress/kept", "z.txt"):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "source"


def test_everything_but_what_is_kept_for_one_project(source: Path, tmp_path: Path) -> None:
    copy_into(source, tmp_path / "new" / "project")
    copied = tree(tmp_path / "new" / "project")
    assert copied == {name: name for name in ("a.txt", "b/c.txt", "z.txt")}


def test_half_a_copy_does_not_stay(source: Path, tmp_path: Path) -> None:
    (source / "z.txt").unlink()
    (source / "z.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        copy_into(source, tmp_path / "project")
    assert list((tmp_path / "project").iterdir()) == []

"""Files of this machine: their revisions, and what happens while they are read."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.sources.local_files import kind_of, read_local, revision_of, why
from buttress.testing.clock import ManualClock
from tests.unit.knowledge.sources.local import later

MAX = 1 << 20


def changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_ctime_ns / 1e9, UTC)


@pytest.mark.parametrize(
    ("age_s", "is_known"),
    [
        pytest.param(-3_600, False, id="changed in what is to come: a clock was put back"),
        pytest.param(0, False, id="changed this moment"),
        pytest.param(1.9, False, id="changed just now: it may change again within the same tick"),
        pytest.param(2.1, True, id="changed a while ago"),
        pytest.param(86_400, True, id="changed yesterday"),
    ],
)
def test_a_young_file_has_no_revision(tmp_path: Path, age_s: float, *, is_known: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    clock = ManualClock(changed_at(path) + timedelta(seconds=age_s))
    assert bool(revision_of(path.stat(), clock)) is is_known
    assert bool(read_local(path, "a", MAX, clock).revision) is is_known


def test_a_file_that_was_just_written_has_none_by_the_systems_clock(tmp_path: Path) -> None:
    """The clock of files and ours are the same one."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    assert revision_of(path.stat(), SystemClock()) == ""


def test_what_is_written_with_the_old_time_and_size_is_another_revision(tmp_path: Path) -> None:
    """As `rsync --times` does, or an editor that keeps times."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"one")
    before = revision_of(path.stat(), later())
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(b"two")
    os.utime(path, ns=times)
    assert path.stat().st_mtime_ns == times[1]
    assert revision_of(path.stat(), later()) != before
    other.write_bytes(b"six")
    os.utime(other, ns=times)
    other.replace(path)
    assert revision_of(path.stat(), later()) != before


@pytest.mark.skipif(sys.platform != "linux", reason="files that the kernel makes up")
def test_what_holds_more_than_its_size_has_no_revision() -> None:
    """The kernel says 0 bytes of its own files: as of one that grows while it is read."""
    content = read_local(Path("/proc/self/status"), "status", MAX, later())
    assert content.data
    assert content.revision == ""
    with pytest.raises(TooLarge, match="grew beyond the limit of 3 bytes"):
        read_local(Path("/proc/self/status"), "status", 3, later())


@pytest.mark.skipif(sys.platform == "win32", reason="files of POSIX")
def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    said = {"pipe": "is a pipe", "link": "symbolic links", ".": "is a folder", "none": "No such file"}
    for name, reason in said.items():
        with pytest.raises(Unreadable, match=reason):
            read_local(tmp_path / name, name, MAX, later())
    assert kind_of((tmp_path / "pipe").stat().st_mode) == "a pipe"


def test_a_reason_does_not_hold_the_path() -> None:
    assert why(FileNotFoundError(2, "No such file", "/secret/place")) == "No such file"
    assert why(RuntimeError("/secret/place")) == "its links run in a circle"


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="only where files are opened folder by folder")
def test_a_folder_that_has_become_a_link_is_not_followed(tmp_path: Path) -> None:
    """Between the look at where a path leads and its opening."""
    for folder in ("docs/sub", "secret"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.md").write_text(folder)
    docs = tmp_path / "docs"
    assert read_local(docs / "sub" / "a.md", "a.md", MAX, later(), within=docs).data == b"docs/sub"
    (docs / "sub").rename(docs / "other")
    (docs / "sub").symlink_to(tmp_path / "secret")
    with pytest.raises(Unreadable, match=r"a\.md cannot be read"):
        read_local(docs / "sub" / "a.md", "a.md", MAX, later(), within=docs)

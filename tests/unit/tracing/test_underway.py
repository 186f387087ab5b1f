"""Calls under way: found when their process is gone, and only then."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.storage.spool import Spool, read_records
from buttress.tracing.underway import Underway, left_behind

WRITER = """
import sys
from pathlib import Path
from buttress.tracing.underway import Underway
underway = Underway(Path(sys.argv[1]), "child", 200)
for number in range(100_000):
    underway.begin(str(number), b"%d" % number)
    print(number, flush=True)
    if number >= 10:
        underway.end(str(number - 10))
"""


def records(folder: Path) -> list[bytes]:
    """Return what the files of all writers tell."""
    return [record for path in sorted(folder.glob("*.calls")) for record in read_records(path)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60), st.integers(1, 100))
def test_what_is_under_way_stands_in_the_file_whenever_one_looks(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[bool, int]], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    underway, running = Underway(folder, "w", segment_bytes), set[int]()
    for begins, number in steps:
        if begins and number not in running:
            underway.begin(str(number), b"%d" % number)
            running.add(number)
        elif not begins:
            underway.end(str(number))
            running.discard(number)
        assert {b"%d" % one for one in running} <= set(records(folder))
    underway.close()
    assert {b"%d" % one for one in running} <= set(records(folder))
    assert bool(list(folder.iterdir())) == bool(running)


def test_the_file_does_not_grow_with_the_calls_that_ended(tmp_path: Path) -> None:
    underway = Underway(tmp_path, "w", 1_000)
    for number in range(5_000):
        underway.begin(str(number), b"x" * 50)
        underway.end(str(number))
    assert (tmp_path / "w.calls").stat().st_size < 2_000
    underway.close()


def test_nothing_is_missed_when_the_writer_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        for _ in range(500):
            writer.stdout.readline()
        assert left_behind(tmp_path) == []
        os.kill(writer.pid, signal.SIGKILL)
        said = writer.stdout.read()  # it went on until it was killed
    last = int(said.rpartition("\n")[0].rpartition("\n")[2] or 499)
    assert left_behind(tmp_path) == [tmp_path / "child.calls"]
    assert {b"%d" % number for number in range(last - 9, last + 1)} <= set(records(tmp_path))


def test_a_file_waits_until_all_else_of_its_writer_is_shipped(tmp_path: Path) -> None:
    spool, underway = Spool(tmp_path, "w", 1_000), Underway(tmp_path, "w", 1_000)
    spool.append(b"ended")
    underway.begin("1", b"one")
    assert left_behind(tmp_path) == []
    underway.close()
    assert left_behind(tmp_path) == []
    spool.close()
    assert left_behind(tmp_path) == []
    (tmp_path / "w-000001.sealed").unlink()
    (tmp_path / "ww-000001.sealed").touch()  # another's
    assert left_behind(tmp_path) == [tmp_path / "w.calls"]


def test_a_file_that_was_removed_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    underway = Underway(folder, "w", 1_000)
    underway.restore()
    underway.begin("1", b"one")
    (folder / "w.calls").unlink()
    folder.rmdir()
    underway.restore()
    assert records(folder) == [b"one"]
    (folder / "w.calls").unlink()
    underway.end("1")
    underway.restore()
    assert list(folder.iterdir()) == []
    underway.begin("2", b"two")
    assert records(folder) == [b"two"]
    underway.close()


def test_what_cannot_be_written_is_said_once_and_written_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file where the folder should be")
    underway = Underway(folder, "w", 1_000)
    underway.begin("1", b"one")
    underway.begin("2", b"two")
    assert capsys.readouterr().out.count("calls.not_noted") == 1
    folder.unlink()
    underway.begin("3", b"three")
    assert records(folder) == [b"one", b"two", b"three"]
    underway.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_fails_no_call(tmp_path: Path) -> None:
    underway = Underway(tmp_path, "w", 1_000)
    (tmp_path / "w.new").symlink_to("/dev/full")
    underway.begin("1", b"one")
    (tmp_path / "w.new").unlink()
    underway.begin("2", b"two")
    assert records(tmp_path) == [b"one", b"two"]
    underway.close()

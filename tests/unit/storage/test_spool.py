"""The spool: killed here, twice, at once, on a full disk."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.storage.spool import (
    LONGEST_BYTES,
    MAX_WAITING,
    MAX_WAITING_BYTES,
    Spool,
    adding,
    last_records,
    read_records,
    remove_unfinished,
    seal_orphans,
    sealed_files,
)

WRITER = """
import sys
from pathlib import Path
from buttress.storage.spool import Spool
spool = Spool(Path(sys.argv[1]), "child", 1_000_000)
for number in range(100_000):
    spool.append(b"%d" % number)
    print(number, flush=True)
"""


def records(folder: Path) -> list[bytes]:
    """Return every record of the sealed files, in order."""
    return [record for path in sealed_files(folder) for record in read_records(path)]


@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")), max_size=30), st.integers(8, 200)
)
def test_what_was_appended_is_read_in_order_however_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, appended: list[bytes], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, "w", segment_bytes)
    for record in appended:
        spool.append(record)
    spool.seal()
    assert records(folder) == appended
    assert spool.lost == 0


def test_an_open_file_is_not_taken_from_a_living_writer(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w", 1_000)
    spool.append(b"one")
    assert seal_orphans(tmp_path) == 0
    assert records(tmp_path) == []
    spool.seal()
    assert records(tmp_path) == [b"one"]


def test_nothing_that_was_written_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        acknowledged = [int(writer.stdout.readline()) for _ in range(500)]
        os.kill(writer.pid, signal.SIGKILL)
    assert seal_orphans(tmp_path) == 1
    assert records(tmp_path)[: len(acknowledged)] == [b"%d" % number for number in acknowledged]


def test_what_never_got_its_name_is_removed_when_it_is_old_and_nobody_holds_it(tmp_path: Path) -> None:
    left, held, young = (tmp_path / f"{name}.new" for name in ("left", "held", "young"))
    for path in (left, held, young):
        path.touch()
    for path in (left, held):
        os.utime(path, (1, 1))
    with held.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert remove_unfinished(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held.new", "young.new"]
    assert remove_unfinished(tmp_path) == 1
    assert remove_unfinished(tmp_path) == 0


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "w-000001.sealed").write_bytes(b"whole\nto")
    assert records(tmp_path) == [b"whole"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"", b"new\n", id="nothing there"),
        pytest.param(b"whole\n", b"whole\nnew\n", id="whole lines"),
        pytest.param(b"whole\nto", b"whole\nnew\n", id="half a line behind whole ones"),
        pytest.param(b"to", b"new\n", id="only half a line"),
    ],
)
def test_what_is_added_is_a_line_of_its_own(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "kept"
    path.write_bytes(before)
    assert last_records(path) == before.split(b"\n")[:-1]
    with adding(path) as file:
        file.write(b"new\n")
    assert path.read_bytes() == after
    assert last_records(path) == list(read_records(path))


def test_the_last_lines_of_a_long_file_are_whole(tmp_path: Path) -> None:
    path, long = tmp_path / "kept", b"x" * (LONGEST_BYTES // 3)
    path.write_bytes(b"\n".join([long + b"0", long + b"1", long + b"2", b"short", b"to"]))
    assert last_records(path) == [long + b"1", long + b"2", b"short"]
    assert last_records(tmp_path / "none") == []


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    one, other = Spool(tmp_path, "a", 1_000), Spool(tmp_path, "b", 1_000)
    for number in range(10):
        one.append(b"a%d" % number)
        other.append(b"b%d" % number)
    one.seal()
    other.seal()
    assert records(tmp_path) == [b"%c%d" % (letter, number) for letter in b"ab" for number in range(10)]


def test_what_cannot_be_written_waits_and_is_written_later(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file where the folder should be")
    spool = Spool(folder, "w", 1_000)
    spool.append(b"one")
    spool.seal()
    assert (spool.lost, spool.trouble) == (0, "1 records wait for room on the disk")
    folder.unlink()
    spool.append(b"two")
    spool.seal()
    assert (spool.lost, spool.trouble, records(folder)) == (0, "", [b"one", b"two"])


def test_memory_is_bounded_and_the_oldest_go_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file where the folder should be")
    spool = Spool(folder, "w", 1_000_000)
    for number in range(MAX_WAITING + 5):
        spool.append(b"%d" % number)
    assert (spool.lost, spool.trouble) == (5, "1,000 records wait for room on the disk, 5 records are lost")
    folder.unlink()
    spool.close()
    assert records(folder) == [b"%d" % number for number in range(5, MAX_WAITING + 5)]
    assert capsys.readouterr().out.count("spool.lost") == 1


def test_memory_is_bounded_for_large_records_too(tmp_path: Path) -> None:
    folder, record = tmp_path / "spool", b"x" * (MAX_WAITING_BYTES // 10)
    folder.write_text("a file where the folder should be")
    spool = Spool(folder, "w", 1_000)
    for _ in range(15):
        spool.append(record)
    assert (spool.lost, spool.trouble) == (5, "10 records wait for room on the disk, 5 records are lost")
    folder.unlink()
    spool.append(b"one")
    spool.close()
    assert [len(one) for one in records(folder)] == [len(record)] * 10 + [3]


def test_at_the_end_what_waits_is_lost_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file where the folder should be")
    spool = Spool(folder, "w", 1_000)
    spool.append(b"one")
    spool.close()
    assert spool.lost == 1
    assert "spool.lost" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_costs_nothing_once_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w", 1_000)
    (tmp_path / "w-000001.new").symlink_to("/dev/full")
    spool.append(b"one")
    assert spool.trouble
    assert list(tmp_path.glob("w-*.open")) == []
    spool.append(b"two")
    spool.seal()
    assert (spool.lost, records(tmp_path)) == (0, [b"one", b"two"])


def test_a_folder_that_was_removed_costs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, "w", 1_000)
    spool.append(b"one")
    shutil.rmtree(folder)
    spool.append(b"two")
    spool.seal()
    spool.append(b"three")
    spool.seal()
    assert (spool.lost, records(folder)) == (0, [b"one", b"two", b"three"])
    assert capsys.readouterr().out.count("spool.removed") == 1


def test_a_folder_that_cannot_be_made_again_costs_its_records_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, "w", 16)
    spool.append(b"one")
    shutil.rmtree(folder)
    folder.write_text("a file where the folder should be")
    for number in range(10):
        spool.append(b"%d" % number)
    spool.seal()
    assert 0 < spool.lost < 11  # what was in the file; the rest waits
    assert capsys.readouterr().out.count("spool.lost") == 1
    folder.unlink()
    spool.append(b"kept")
    spool.seal()
    assert spool.lost + len(records(folder)) == 12
    assert records(folder)[-1] == b"kept"

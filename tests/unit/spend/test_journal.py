"""A worker's journal: killed here, cut in the middle, of a newer version, on a full disk, by many at once."""

import fcntl
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import rmtree

import msgspec
import pytest

from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import AccountKey
from buttress.spend.journal import (
    NEWEST_GRANT,
    OWNER,
    Journal,
    gone,
    is_whole,
    keep,
    newest,
    raise_newest_grant,
    read_kept,
    read_newest_grant,
    read_reports,
    recover_newest_grant,
    untold_bytes,
    writer_of,
)
from buttress.spend.leases import Holding
from buttress.spend.store import Report
from buttress.storage.spool import seal_orphans, sealed_files

ACCOUNT = AccountKey("team", ("a",), datetime(2026, 11, 21, tzinfo=UTC))

WRITER = """
import sys
from pathlib import Path
from buttress.spend.journal import Journal
from tests.unit.spend.test_journal import said
journal = Journal(Path(sys.argv[1]), "child")
for number in range(100_000):
    journal.write([said("child.1", number, grant=number)])
    print(number, flush=True)
"""


def said(lease: str, used: int, *, reserved: int = 0, grant: int = 0, is_ended: bool = False) -> Report:
    """Return what a worker says of a lease."""
    return Report(
        lease=lease,
        worker=lease.partition(".")[0],
        account=ACCOUNT,
        holding=Holding(granted=NanoDollars(1_000), used=NanoDollars(used), is_ended=is_ended),
        reserved=NanoDollars(reserved),
        grant=grant,
    )


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "w")
    steps = [[said("w.1", 0)], [said("w.1", 5), said("w.2", 5)], [said("w.1", 7)]]
    for step in steps:
        journal.write(step)
    assert gone(tmp_path) == []
    journal.close()
    (path,) = sealed_files(tmp_path)
    assert writer_of(path) == "w"
    assert untold_bytes(tmp_path) == path.stat().st_size > 0
    assert list(read_reports(path)) == [report for step in steps for report in step]
    assert newest(read_reports(path)) == {"w.1": said("w.1", 7), "w.2": said("w.2", 5)}
    assert gone(tmp_path) == []  # not all was read
    path.unlink()
    assert gone(tmp_path) == ["w"]


@pytest.mark.slow
def test_what_a_killed_writer_had_written_is_there(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        last = -1
        while last < 200:
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in child.stdout.read().split())])
    assert seal_orphans(tmp_path) == 1
    (path,) = sealed_files(tmp_path)
    assert newest(read_reports(path))["child.1"].holding.used >= last
    assert read_newest_grant(tmp_path) >= last
    path.unlink()
    assert gone(tmp_path) == ["child"]


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        pytest.param(b'[{"lease":"w.1","wor', 5, id="cut in the middle of a line"),
        pytest.param(b'{"version":9}\n', 5, id="a line of another shape"),
        pytest.param(b"\xff\xfe\n", 5, id="no text"),
        pytest.param(msgspec.json.encode([said("w.1", 9)])[:-2] + b',"new":1}]\n', 9, id="a newer version"),
    ],
)
def test_a_line_that_cannot_be_read_is_left_out(tmp_path: Path, damage: bytes, left: int) -> None:
    path = tmp_path / "w-000001.sealed"
    path.write_bytes(msgspec.json.encode([said("w.1", 5)]) + b"\n" + damage)
    assert newest(read_reports(path))["w.1"].holding.used == left


def raise_in_the_end(folder: Path, number: int) -> None:
    """Remember `number`, however often somebody else is about to."""
    while True:
        with suppress(BlockingIOError):
            return raise_newest_grant(folder, number)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"\0" * 20, id="zeros, as after a power cut"),
        pytest.param(b"no number at all", id="text"),
        pytest.param(b"9" * 20, id="beyond any number"),
        pytest.param(b"0000000", id="cut off"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_damaged_number_of_the_newest_grant_is_mended_from_the_journals(
    tmp_path: Path, damage: bytes
) -> None:
    journal = Journal(tmp_path, "w")
    journal.write([said("w.1", 1, grant=41)])
    journal.seal()
    journal.write([said("w.1", 2, grant=42)])
    (tmp_path / NEWEST_GRANT).write_bytes(damage)
    recover_newest_grant(tmp_path)
    assert read_newest_grant(tmp_path) == 42
    journal.write([said("w.1", 3, grant=43)])
    assert read_newest_grant(tmp_path) == 43
    journal.close()


def test_who_is_stopped_while_remembering_stops_nobody_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "w")
    journal.write([said("w.1", 1, grant=1)])
    with (tmp_path / NEWEST_GRANT).open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        journal.write([said("w.1", 2, grant=2)])
        assert (read_newest_grant(tmp_path), journal.newest_grant) == (1, 2)
    journal.seal()
    assert read_newest_grant(tmp_path) == 2
    journal.close()


def test_a_writer_that_cannot_write_says_so_in_a_byte_that_it_has(tmp_path: Path) -> None:
    """What was reserved since stands nowhere: whoever buries the writer must not believe the last line."""
    journal = Journal(tmp_path, "w", segment_bytes=200)
    journal.write([said("w.1", 1)])  # more than a segment
    assert is_whole(tmp_path, "w")
    (tmp_path / "w-000002.new").mkdir()  # no file of this name can be begun
    journal.write([said("w.1", 2)])
    assert not is_whole(tmp_path, "w")
    (tmp_path / "w-000002.new").rmdir()
    (tmp_path / "w-000003.new").mkdir()
    journal.write([said("w.1", 3)])
    assert not is_whole(tmp_path, "w")
    (tmp_path / "w-000003.new").rmdir()
    journal.seal()
    assert is_whole(tmp_path, "w")
    journal.close()


def test_who_owns_a_folder_that_was_removed_owns_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder, "w")
    journal.write([said("w.1", 1, grant=7)])
    rmtree(folder)
    journal.seal()
    assert gone(folder) == []
    assert (folder / f"w{OWNER}").exists()
    for path in sealed_files(folder):
        path.unlink()
    journal.close()
    assert gone(folder) == ["w"]


def test_the_highest_grant_is_remembered_whoever_had_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(raise_in_the_end, tmp_path), [*range(200), 500, *range(200)]))
    assert read_newest_grant(tmp_path) == 500
    journal = Journal(tmp_path, "w")
    assert journal.newest_grant == 500
    journal.write([said("w.1", 0, grant=501)])
    assert (journal.newest_grant, read_newest_grant(tmp_path)) == (501, 501)
    (tmp_path / NEWEST_GRANT).unlink()
    assert journal.newest_grant == 501
    journal.close()


def test_what_is_kept_is_the_last_of_each_lease_and_stays_small(tmp_path: Path) -> None:
    for used in range(300):
        keep(tmp_path, {"w.1": said("w.1", used)}, "w", compact_bytes=4_000)
    assert read_kept(tmp_path, "w") == {"w.1": said("w.1", 299)}
    assert (tmp_path / "w.kept").stat().st_size < 5_000
    assert read_kept(tmp_path, "nobody") == {}


def test_many_leases_are_not_copied_each_time(tmp_path: Path) -> None:
    leases = {f"w.{number}": said(f"w.{number}", 1) for number in range(50)}
    for _ in range(3):
        keep(tmp_path, leases, "w", compact_bytes=1_000)
    assert read_kept(tmp_path, "w") == leases


def test_who_was_killed_while_keeping_leaves_half_a_line(tmp_path: Path) -> None:
    keep(tmp_path, {"w.1": said("w.1", 5)}, "w")
    with (tmp_path / "w.kept").open("ab") as file:
        file.write(b'[{"lease":"w.1"')
    keep(tmp_path, {"w.1": said("w.1", 6)}, "w")
    assert read_kept(tmp_path, "w") == {"w.1": said("w.1", 6)}
    assert len((tmp_path / "w.kept").read_bytes().splitlines()) == 2  # and it is gone


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file", "w")
    journal.write([said("w.1", 5, grant=3)])
    assert journal.trouble == "1 settlements wait for room on the disk"
    assert journal.newest_grant == 3
    journal.close()
    assert journal.trouble == "1 settlements are lost"

"""A worker's journal: what it does with its leases, written down before it counts.

    WRITER-NNNNNN.open, .sealed   a line for each step: the reports of the leases that it touched
    WRITER.owner                  the writer holds its lock while it lives; 1 in it: lines are missing
    WRITER.kept                   what was read of that writer's files so far; kept for days
    taught                        until which grant a restored ledger was told all that stands here
    newest-grant                  the highest number of a grant that any process here has had

A grant is a line before any of it is spent, a reservation before the attempt begins, a settlement before the
call ends. So when a worker is killed, its last lines say what it had under way.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from buttress.kernel.errors import UNDECODABLE
from buttress.spend.store import Report
from buttress.storage.spool import (
    OPEN,
    SEALED,
    UNFINISHED,
    Spool,
    adding,
    has_files,
    is_left,
    read_records,
    sealed_files,
)

OWNER, KEPT = ".owner", ".kept"
NEWEST_GRANT, TAUGHT = "newest-grant", "taught"

WHOLE, LINES_MISSING = b"0", b"1"

LEASES_A_LINE = 1_000
"""So many at most: a line is read as a whole."""

_DIGITS = 20
_MOST_GRANTS = 2**62
_LINE = msgspec.json.Decoder(tuple[Report, ...])
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger("buttress.spend.journal")


class Journal:
    """The writing end, for one process. Not for use from several threads at once.

    What cannot be written now (a full disk) waits in memory, as in `storage.spool`; calls go on. The owner's
    file says so for as long as that is, in a byte that it has already: whoever buries the writer then takes
    all that it held for spent.
    """

    def __init__(self, folder: Path, writer: str, segment_bytes: int = 1_048_576) -> None:
        self._folder = folder
        self._owner_path = folder / f"{writer}{OWNER}"
        self._owner: FileIO | None = None
        self._spool = Spool(folder, writer, segment_bytes, of="settlements")
        self._newest = self._remembered = 0
        self._is_whole = True

    @property
    def trouble(self) -> str:
        """Why settlements are not where they should be; empty when they are."""
        return self._spool.trouble

    @property
    def newest_grant(self) -> int:
        """The highest number of a grant that any process of this folder has had. Reads a file."""
        return max(self._newest, read_newest_grant(self._folder))

    def write(self, reports: Sequence[Report]) -> None:
        """Write one step down. Never raises."""
        if self._owner is None:
            self._own()
        for report in reports:
            if report.grant > self._newest:
                self._newest = report.grant
                self._remember()
        self._spool.append(_encode(reports))
        self._say_whether_whole()

    def seal(self) -> None:
        """Hand what was written so far to whoever reads it. Never raises."""
        self._spool.seal()
        if self._owner is not None and not _is_same(self._owner, self._owner_path):
            self._own()  # somebody has removed the folder, or put an older one there
        self._say_whether_whole()
        self._remember()

    def close(self) -> None:
        """Hand everything over; the writer is gone. Never raises."""
        self._spool.close()
        self._say_whether_whole()
        owner, self._owner = self._owner, None
        if owner:
            owner.close()

    def _own(self) -> None:
        hidden = self._owner_path.with_suffix(UNFINISHED)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            owner = FileIO(hidden, "w+b")
            # Locked before it bears its name: whoever reads must not take a writer for gone that begins.
            fcntl.flock(owner, fcntl.LOCK_EX)
            owner.write(WHOLE)
            hidden.rename(self._owner_path)
        except OSError as error:
            _log.error("journal.not_owned", file=str(self._owner_path), reason=str(error))
            return
        if self._owner:
            self._owner.close()
        self._owner, self._is_whole = owner, True

    def _say_whether_whole(self) -> None:
        is_whole = not self._spool.is_behind
        if is_whole != self._is_whole and self._owner:
            with suppress(OSError):
                os.pwrite(self._owner.fileno(), WHOLE if is_whole else LINES_MISSING, 0)
                self._is_whole = is_whole

    def _remember(self) -> None:
        """Note the newest grant for all; again later where somebody else is about to."""
        if self._remembered < self._newest:
            try:
                raise_newest_grant(self._folder, self._newest)
            except BlockingIOError:
                return
            except OSError as error:
                _log.error("journal.grant_not_remembered", grant=self._newest, reason=str(error))
            else:
                self._remembered = self._newest


def _is_same(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def read_newest_grant(folder: Path) -> int:
    """Return the highest number of a grant that was remembered in `folder`; 0 where none was."""
    with suppress(OSError):
        return _number_in((folder / NEWEST_GRANT).read_bytes())
    return 0


def _number_in(written: bytes) -> int:
    """Return the number that stands there; 0 where it was damaged."""
    number = int(written) if len(written) == _DIGITS and written.isdigit() else 0
    return number if number <= _MOST_GRANTS else 0


def raise_newest_grant(folder: Path, number: int) -> None:
    """Remember `number`, unless a higher one is. It takes as many bytes as any other: it fits on a full disk.

    Raises:
        BlockingIOError: somebody else is about to: nobody waits, for it may have been stopped there.
        OSError: it cannot be written.
    """
    file = os.open(folder / NEWEST_GRANT, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if number > _number_in(os.pread(file, _DIGITS, 0)):
            os.pwrite(file, b"%0*d" % (_DIGITS, number), 0)
    finally:
        os.close(file)


def read_taught(folder: Path) -> int:
    """Return until which grant a restored ledger was told all that stands in `folder`; 0: never."""
    with suppress(OSError, ValueError):
        return int((folder / TAUGHT).read_bytes())
    return 0


def remember_taught(folder: Path, number: int) -> None:
    """Note that a ledger that was restored at grant `number` was told all; else it is told once more."""
    with suppress(OSError):
        (folder / TAUGHT).write_text(str(number))


def recover_newest_grant(folder: Path) -> None:
    """Learn the highest number of a grant from the journals, where the file that says it is lost or damaged.

    Raises:
        OSError: it cannot be written.
    """
    if read_newest_grant(folder):
        return
    grants = (report.grant for path in all_files(folder) for report in newest_in(path).values())
    if number := max(grants, default=0):
        _log.warning("journal.grant_recovered", grant=number)
        raise_newest_grant(folder, number)


def all_files(folder: Path) -> list[Path]:
    """Return every file with reports: a whole line of one that is still written is as good as any."""
    kept = sorted(path for path in folder.glob(f"*{KEPT}") if path.is_file())
    return [*kept, *sealed_files(folder), *sorted(folder.glob(f"*{OPEN}"))]


def newest_in(path: Path) -> dict[str, Report]:
    """Return the last report of each lease in a file; nothing where it is gone."""
    try:
        return newest(read_reports(path))
    except FileNotFoundError:
        if path.suffix == OPEN:  # its writer has sealed it in the meantime
            return newest_in(path.with_suffix(SEALED))
        return {}


def read_reports(path: Path) -> Iterator[Report]:
    """Yield the reports of a journal's file, oldest first.

    A line that cannot be read (of a newer version, or damaged) is told and left out: what later lines say
    holds all that it said.

    Raises:
        FileNotFoundError: somebody has removed it.
    """
    for record in read_records(path):
        try:
            yield from _LINE.decode(record)
        except UNDECODABLE as error:
            _log.error("journal.unreadable_line", file=path.name, reason=str(error), bytes=len(record))


def newest(reports: Iterable[Report]) -> dict[str, Report]:
    """Return the last report of each lease; `reports` are one writer's, oldest first."""
    return {report.lease: report for report in reports}


def writer_of(path: Path) -> str:
    """Return who wrote a file of a journal."""
    return path.stem if path.suffix in (OWNER, KEPT) else path.stem.rpartition("-")[0]


def read_kept(folder: Path, writer: str) -> dict[str, Report]:
    """Return what was read of a writer so far: the last report of each of its leases."""
    try:
        return newest(read_reports(folder / f"{writer}{KEPT}"))
    except FileNotFoundError:
        return {}


def keep(folder: Path, reports: Mapping[str, Report], writer: str, compact_bytes: int = 1_048_576) -> None:
    """Add `reports` to what is kept of `writer`; written anew without older ones when it has grown large.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / f"{writer}{KEPT}"
    with adding(path) as file:
        before = file.tell()
        _write_lines(file, reports)
        size = file.tell()
    # Tried again when it has doubled: it may be large because there are many leases.
    if size > compact_bytes and size.bit_length() > before.bit_length():
        _compact(path)


def _write_lines(file: BinaryIO, reports: Mapping[str, Report]) -> None:
    every = list(reports.values())
    starts = range(0, len(every), LEASES_A_LINE)
    file.writelines(_encode(every[start : start + LEASES_A_LINE]) + b"\n" for start in starts)


def _compact(path: Path) -> None:
    hidden = path.with_name(path.name + UNFINISHED)
    try:
        with hidden.open("wb") as file:
            _write_lines(file, newest(read_reports(path)))
        hidden.replace(path)
    except OSError as error:  # it is all there, only not small
        _log.warning("journal.not_compacted", file=path.name, reason=str(error))
        hidden.unlink(missing_ok=True)


def untold_bytes(folder: Path) -> int:
    """Return how much stands in journals that nobody has read yet; files come and go meanwhile."""
    size = 0
    for path in folder.glob("*"):
        if path.suffix in (OPEN, SEALED):
            with suppress(OSError):
                size += path.stat().st_size
    return size


def gone(folder: Path) -> list[str]:
    """Return the writers that do not live any more and of whom everything was read."""
    writers = (path.stem for path in sorted(folder.glob(f"*{OWNER}")) if is_left(path))
    return [writer for writer in writers if not has_files(folder, writer)]


def is_whole(folder: Path, writer: str) -> bool:
    """Say whether a writer that is gone has written down all that it did."""
    with suppress(OSError):
        return (folder / f"{writer}{OWNER}").read_bytes() != LINES_MISSING
    return True

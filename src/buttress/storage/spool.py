"""A spool: one directory of append-only files, one writer a file; the suffix says whose turn it is.

    NAME.open    its writer appends, and holds the file's lock for as long as it lives
    NAME.sealed  complete; whoever ships may read and delete it
    NAME.new     in the making, for a moment; one that is older was left by a process that was killed

A writer seals by renaming, in one step. A file that is `.open` but whose lock can be had belongs to a
process that died: the shipper seals it. Bytes that were written survive `kill -9` of the writer, since
they are in the kernel's hands; a torn last line is left out when the file is read.
"""

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOSPC
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import structlog

from buttress.storage.folder import folder_errors

_log = structlog.get_logger("buttress.storage.spool")

OPEN, SEALED = ".open", ".sealed"
UNFINISHED = ".new"
_UNFINISHED_S = 60.0
"""A file that has had no name for so long gets none any more: it takes a millisecond."""
LONGEST_BYTES = 16_777_216
"""The last line of a file is looked for in so many bytes at its end."""
MAX_WAITING, MAX_WAITING_BYTES = 1_000, 67_108_864
"""Records kept in memory while they cannot be written, and how large they may be together."""


class Spool:
    """The writing end, for one process, of records called `of`. Not for use from several threads at once.

    What cannot be written now (a full disk) is kept in memory and tried again at each `append` and `seal`, up
    to `MAX_WAITING` records and `MAX_WAITING_BYTES`. `lost` counts those that went beyond it, or could not be
    handed over.
    """

    def __init__(self, folder: Path, writer: str, segment_bytes: int, *, of: str = "records") -> None:
        self._folder = folder
        self._of = of
        self._writer = writer
        self._segment_bytes = segment_bytes
        self._number = 0
        self._records = self._bytes = 0
        self._file: FileIO | None = None
        self._path = folder
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_losing = False
        self.lost = 0

    @property
    def trouble(self) -> str:
        """Why records are not where they should be; empty when they are."""
        waiting = f"{len(self._waiting):,} {self._of} wait for room on the disk" if self._waiting else ""
        lost = f"{self.lost:,} {self._of} are lost" if self.lost else ""
        return ", ".join(part for part in (waiting, lost) if part)

    @property
    def is_behind(self) -> bool:
        """Whether records wait in memory, or are lost: the files do not say all that was reported."""
        return bool(self._waiting or self.lost)

    def append(self, record: bytes) -> None:
        """Write `record` (no line breaks in it) as one line, later where that fails now. Never raises."""
        if not self._waiting:  # as mostly: there is room
            try:
                self._write(record)
            except OSError as error:
                self._keep(record)
                self._give_up(error)
            return
        self._keep(record)
        self._write_waiting()

    def seal(self) -> None:
        """Hand what was written so far to the shipper; nothing happens when there is nothing.

        A file that somebody has removed is written again; what cannot be handed over is counted as lost.
        """
        self._write_waiting()
        self._seal()

    def close(self) -> None:
        """Hand everything over; what still cannot be written is lost. Nothing may be appended any more."""
        self.seal()
        if self._waiting:
            self._lose(len(self._waiting), OSError(ENOSPC, "there was no room until the end"))
            self._waiting.clear()

    def _keep(self, record: bytes) -> None:
        self._waiting.append(record)
        self._waiting_bytes += len(record)

    def _write_waiting(self) -> None:
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting_bytes -= len(self._waiting.popleft())
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Leave the file as it is, and what waits in memory; the oldest of that are lost where it is much."""
        self._abandon()
        if not self._records:  # or one would be left behind at every try
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        while len(self._waiting) > MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
            self._lose(1, error)

    def _write(self, record: bytes) -> None:
        file = self._file or self._begin()
        line = record + b"\n"
        written = file.write(line)
        if written != len(line):
            raise OSError(ENOSPC, f"only {written} of {len(line)} bytes fitted")
        self._records += 1
        self._bytes += written
        if self._bytes >= self._segment_bytes:
            self._seal()

    def _seal(self) -> None:
        if self._file is None:
            return
        try:
            self._hand_over(self._file)
        except OSError as error:
            self._lose(self._records, error)
        else:
            self._is_losing = False
        self._abandon()

    def _hand_over(self, file: FileIO) -> None:
        sealed = self._path.with_suffix(SEALED)
        try:
            self._path.rename(sealed)
        except FileNotFoundError:
            _log.warning("spool.removed", file=str(self._path), records=self._records)
            self._folder.mkdir(parents=True, exist_ok=True)
            hidden = self._path.with_suffix(UNFINISHED)
            hidden.write_bytes(os.pread(file.fileno(), file.tell(), 0))
            hidden.rename(sealed)

    def _lose(self, records: int, error: OSError) -> None:
        """Count what was lost, and say so: once, until something was handed over again."""
        self.lost += records
        if not self._is_losing:
            _log.error("spool.lost", reason=str(error), lost=self.lost, folder=str(self._folder))
        self._is_losing = True

    def _begin(self) -> FileIO:
        self._number, self._records, self._bytes = self._number + 1, 0, 0
        self._path = self._folder / f"{self._writer}-{self._number:06}{OPEN}"
        self._folder.mkdir(parents=True, exist_ok=True)
        # Locked before it bears its name: a shipper must not find it without an owner.
        hidden = self._path.with_suffix(UNFINISHED)
        self._file = FileIO(hidden, "a+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        hidden.rename(self._path)
        return self._file

    def _abandon(self) -> None:
        """Let go of the file as it is; one that is still `.open` is found and sealed by a shipper."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def seal_orphans(folder: Path) -> int:
    """Seal every file whose writer is gone; return how many."""
    return sum(_seal_if_unowned(path) for path in sorted(folder.glob(f"*{OPEN}")))


def _seal_if_unowned(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.rename(path.with_suffix(SEALED))
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def is_left(path: Path) -> bool:
    """Say whether nobody holds the lock of the file `path` any more: whoever made it is gone."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A writer lets go of a file that it has replaced, too.
            return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def has_files(folder: Path, writer: str) -> bool:
    """Say whether files of `writer` are in `folder` that nobody has shipped yet."""
    return any(path.suffix in (OPEN, SEALED) for path in folder.glob(f"{writer}-*"))


def remove_unfinished(folder: Path) -> int:
    """Remove what writers left that were killed between making a file and naming it; return how many.

    What was in it stands elsewhere, too, or was never reported as written. Only files that nobody holds, and
    that are old by the file system's own clock: the folder is touched to learn its time.
    """
    os.utime(folder)
    newest = folder.stat().st_mtime - _UNFINISHED_S
    return sum(_remove_unowned(path, newest) for path in folder.glob(f"*{UNFINISHED}"))


def _remove_unowned(path: Path, newest: float) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_mtime > newest:
                return False
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


@contextmanager
def only_reader(folder: Path) -> Iterator[bool]:
    """Be the only one for the length of the block who takes files from `folder`; False: another one does.

    Raises:
        DiskFull, FolderUnusable: there is no such folder, and it cannot be made.
    """
    with folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "ship.lock").open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def sealed_files(folder: Path) -> list[Path]:
    """Return the files that wait to be shipped, oldest name first."""
    return sorted(folder.glob(f"*{SEALED}"))


@contextmanager
def adding(path: Path) -> Iterator[BinaryIO]:
    """Open a file of lines for the block, at its end; half a line there, of who was killed, is cut off.

    Raises:
        OSError: it cannot be opened or written.
    """
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read() not in (b"", b"\n"):
            begin, lines = _end_of(file)
            file.truncate(begin + len(lines))
            file.seek(0, os.SEEK_END)
        yield file


def last_records(path: Path) -> list[bytes]:
    """Return the whole lines in the last `LONGEST_BYTES` of a file, oldest first; none where it is gone."""
    try:
        with path.open("rb") as file:
            begin, lines = _end_of(file)
    except FileNotFoundError:
        return []
    return lines.split(b"\n")[1 if begin else 0 : -1]


def _end_of(file: BinaryIO) -> tuple[int, bytes]:
    """Return where the last `LONGEST_BYTES` of a file begin, and what of them is whole lines."""
    begin = max(0, file.seek(0, os.SEEK_END) - LONGEST_BYTES)
    file.seek(begin)
    data = file.read()
    return begin, data[: data.rfind(b"\n") + 1]


def read_records(path: Path) -> Iterator[bytes]:
    """Yield each whole line of a spool file; a torn last one is left out.

    Raises:
        FileNotFoundError: somebody has removed it.
    """
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]

"""Calls under way: what is known of them should their process die in the middle.

    WRITER.calls    a line for each call that began: its trace, as it is if nothing more is heard of it

The writer holds the file's lock for as long as it lives. A file whose lock can be had, and whose writer has
nothing else left in the spool, tells of calls that ended (their traces are stored already) and of calls that
were cut off by the end of their process: only those are new to the store, which knows each trace once.
"""

import fcntl
from collections.abc import Iterable
from contextlib import ExitStack
from errno import ENOSPC
from io import FileIO
from pathlib import Path

import structlog

from buttress.storage.spool import UNFINISHED, has_files, is_left

_log = structlog.get_logger("buttress.tracing.underway")

CALLS = ".calls"


class Underway:
    """The calls of one process that have begun and not ended. Not for use from several threads at once.

    Nothing here ever fails a call: what cannot be written now is written with the next call that begins. The
    file is written anew, without the calls that ended, when it has grown beyond `segment_bytes`.
    """

    def __init__(self, folder: Path, writer: str, segment_bytes: int) -> None:
        self._path = folder / f"{writer}{CALLS}"
        self._segment_bytes = segment_bytes
        self._running: dict[str, bytes] = {}
        self._file: FileIO | None = None
        self._room = 0
        self._is_failing = False

    def begin(self, call: str, record: bytes) -> None:
        """Note that the call of this id has begun; `record` has no line breaks in it. Never raises."""
        self._running[call] = record
        self._write(record)

    def end(self, call: str) -> None:
        """Note that its trace was written."""
        self._running.pop(call, None)

    def restore(self) -> None:
        """Write the file again if somebody has removed it. Never raises."""
        if self._file and not self._path.exists():
            self._let_go()
            if self._running:
                self._write(b"")

    def close(self) -> None:
        """Leave nothing behind but what is still under way: that is lost when nobody writes its trace."""
        if self._file and not self._running:
            self._path.unlink(missing_ok=True)
        self._let_go()

    def _write(self, record: bytes) -> None:
        try:
            if self._file is None or self._room <= 0:
                self._begin_file()
            else:
                self._room -= _put(self._file, [record])
        except OSError as error:
            self._let_go()  # it may end with half a line; the next call begins a new one
            if not self._is_failing:
                _log.error("calls.not_noted", reason=str(error), file=str(self._path))
            self._is_failing = True
        else:
            self._is_failing = False

    def _begin_file(self) -> None:
        """Have a new file with what is under way; locked before it bears its name, as in the spool."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        hidden = self._path.with_suffix(UNFINISHED)
        with ExitStack() as unfinished:
            file = unfinished.enter_context(FileIO(hidden, "w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            written = _put(file, self._running.values())
            hidden.replace(self._path)
            unfinished.pop_all()
        self._let_go()
        self._file = file
        self._room = max(self._segment_bytes, written)  # so that no record is copied often

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _put(file: FileIO, records: Iterable[bytes]) -> int:
    """Write each record as a line; return how many bytes that were."""
    lines = b"".join(record + b"\n" for record in records)
    written = file.write(lines)
    if written != len(lines):
        raise OSError(ENOSPC, f"only {written} of {len(lines)} bytes fitted")
    return written


def left_behind(folder: Path) -> list[Path]:
    """Return the files of writers that are gone and have nothing else here that is not shipped yet."""
    left = (path for path in sorted(folder.glob(f"*{CALLS}")) if is_left(path))
    return [path for path in left if not has_files(folder, path.stem)]

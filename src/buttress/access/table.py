"""The buckets of all workers of a machine, in a file that they share as memory.

So a limit is one limit, whichever worker a request comes to: exact on one machine, without a database, and
without dividing it by the number of workers (who has one connection has one worker). Several machines each
have a table: there a limit is one for each machine.

A table has a fixed number of sets of eight places. Where all eight of a bucket's set are taken, that bucket
goes which is full soonest: a full one is as good as none, so mostly nothing is forgotten. Which set is a
bucket's depends on a salt that each table draws: nobody can name users that drive out a certain bucket.
Of requests at once each worker has a column: one that was killed begins with an empty one.
"""

import fcntl
import mmap
import os
import secrets
import struct
import time
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

RATE_SETS, CONCURRENT_SETS, WAYS = 4_096, 512, 8
COLUMNS = 64
"""How many workers there may be: as many as server.workers takes."""

LOCK_TRIES, LOCK_PAUSES, LOCK_PAUSE_S = 100, 500, 0.001
"""How often the lock is tried for at once, and then after pauses: who holds it may have lost its processor.
Whoever holds it still was stopped: until it goes on it is not waited for again, and a request may be lost."""

_RATES = struct.Struct("<" + "Qd" * WAYS)
_RATE = struct.Struct("<Qd")
_COLUMNS = struct.Struct(f"<{COLUMNS}H")
_NUMBER = struct.Struct("<Q")
_COUNT = struct.Struct("<H")
_CONCURRENT = _NUMBER.size + _COLUMNS.size
_CONCURRENT_AT = RATE_SETS * _RATES.size
_SALT_AT = _CONCURRENT_AT + CONCURRENT_SETS * WAYS * _CONCURRENT
SIZE_BYTES = _SALT_AT + _NUMBER.size
MAX_COUNT = 65_535
MAX_FOUND = 10_000
"""Of so many buckets at most a process remembers where they stood: mostly they stand there still."""

_PAUSES = (0.0,) * LOCK_TRIES + (LOCK_PAUSE_S,) * LOCK_PAUSES

_log = structlog.get_logger("buttress.access.table")


class Table:
    """The table in the file at `path`, for the worker whose column is `column`.

    Where there can be no such file, the table is this process's alone. Use it in a `with` block around each
    decision: it is locked for that long, some microseconds, unless its process loses the processor.
    """

    def __init__(self, path: Path, column: int) -> None:
        self._path = path
        self._column = column % COLUMNS
        self._is_stuck = False
        self._descriptor, self._memory = _opened(path)
        self._found: dict[int, int] = {}
        with self:
            self._clear_column()

    @property
    def salt(self) -> int:
        """What decides, with a bucket's number, where it stands (see `set_of`): drawn by who comes first."""
        if not _NUMBER.unpack_from(self._memory, _SALT_AT)[0]:
            _NUMBER.pack_into(self._memory, _SALT_AT, secrets.randbits(63) + 1)
        return int(_NUMBER.unpack_from(self._memory, _SALT_AT)[0])

    def close(self) -> None:
        """Let go of the file; what it holds stays for the others."""
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        if self._descriptor >= 0:
            self._require_whole()
            self._is_stuck = not self._lock(0.0) and (self._is_stuck or not any(map(self._lock, _PAUSES)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def full_at(self, number: int) -> float:
        """Return the moment at which the bucket of that number is full; 0 of one that nobody took from."""
        found, moment = _RATE.unpack_from(self._memory, self._found.get(number, 0))
        if found != number:
            found, moment = _RATE.unpack_from(self._memory, self._rate_place(number))
        return float(moment) if found == number else 0.0

    def put(self, number: int, full_at: float) -> None:
        """Note that the bucket is full at that moment."""
        _RATE.pack_into(self._memory, self._rate_place(number), number, full_at)

    def count(self, number: int) -> int:
        """Return how many requests are under way, in all workers."""
        at = self._concurrent_place(number)
        if at is None or _NUMBER.unpack_from(self._memory, at)[0] != number:
            return 0
        return sum(_COLUMNS.unpack_from(self._memory, at + _NUMBER.size))

    def add(self, number: int, more: int) -> None:
        """Count `more` requests of this worker; fewer, where it is below 0."""
        at = self._concurrent_place(number)
        if at is None:  # so many at once that there is no place: this one is not counted
            return
        if _NUMBER.unpack_from(self._memory, at)[0] != number:
            if more < 0:
                return
            _NUMBER.pack_into(self._memory, at, number)
        own = at + _NUMBER.size + self._column * _COUNT.size
        now = _COUNT.unpack_from(self._memory, own)[0] + more
        _COUNT.pack_into(self._memory, own, max(0, min(MAX_COUNT, now)))

    def _require_whole(self) -> None:
        """Open the file anew where it was removed or cut off: who reads behind its end is killed."""
        status = os.fstat(self._descriptor)
        if status.st_nlink and status.st_size >= SIZE_BYTES:
            return
        self.close()
        self._descriptor, self._memory = _opened(self._path)
        _log.warning("limits.begun_anew", path=str(self._path))

    def _lock(self, pause_s: float) -> bool:
        """Take the lock where it is free, and say whether it was; else pause."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if pause_s:
                time.sleep(pause_s)
            return False
        return True

    def _rate_place(self, number: int) -> int:
        """Return where the bucket stands, or is to stand: then in the place of what is full soonest."""
        at = self._found.get(number, 0)
        if _NUMBER.unpack_from(self._memory, at)[0] == number:
            return at
        if len(self._found) >= MAX_FOUND:
            self._found.clear()
        at = self._found[number] = self._look_for(number)
        return at

    def _look_for(self, number: int) -> int:
        at = set_of(number, self.salt, RATE_SETS) * _RATES.size
        held = _RATES.unpack_from(self._memory, at)
        for way in range(WAYS):
            if held[2 * way] == number:
                return at + way * _RATE.size
        soonest = min(range(WAYS), key=lambda way: held[2 * way + 1])
        return at + soonest * _RATE.size

    def _concurrent_place(self, number: int) -> int | None:
        begin = _CONCURRENT_AT + set_of(number, self.salt, CONCURRENT_SETS) * WAYS * _CONCURRENT
        places = range(begin, begin + WAYS * _CONCURRENT, _CONCURRENT)
        free = None
        for at in places:
            if _NUMBER.unpack_from(self._memory, at)[0] == number:
                return at
            if free is None and not any(_COLUMNS.unpack_from(self._memory, at + _NUMBER.size)):
                free = at
        return free

    def _clear_column(self) -> None:
        first = _CONCURRENT_AT + _NUMBER.size + self._column * _COUNT.size
        for at in range(first, _SALT_AT, _CONCURRENT):
            _COUNT.pack_into(self._memory, at, 0)


def set_of(number: int, salt: int, sets: int) -> int:
    """Return in which of `sets` the bucket of that number stands: the same in each process of a machine.

    By a keyed hash: of Python's own, numbers that share a set with one salt do so with many others.
    """
    digest = blake2b(number.to_bytes(8, "little"), key=salt.to_bytes(8, "little"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % sets


def _opened(path: Path) -> tuple[int, mmap.mmap]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        _log.warning("limits.not_shared", reason=f"{path}: {error.strerror or error}")
        return -1, mmap.mmap(-1, SIZE_BYTES)
    try:
        size = os.fstat(descriptor).st_size
        os.pwrite(descriptor, bytes(max(0, SIZE_BYTES - size)), size)  # a hole on a full disk would be fatal
        return descriptor, mmap.mmap(descriptor, SIZE_BYTES)
    except OSError as error:
        os.close(descriptor)
        _log.warning("limits.not_shared", reason=f"{path}: {error.strerror or error}")
        return -1, mmap.mmap(-1, SIZE_BYTES)

"""Locks on files (`flock`): they go with the process that holds them, also on `kill -9`.

A lock belongs to the open file, not to the process: a child that inherits the descriptor holds it, too,
and it is free when the last of them has closed it. The lock files themselves are never removed, since a
file that is made anew could be locked a second time.
"""

import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from buttress.kernel.clock import Clock

_POLL_S = 0.02


class FileLock:
    """A lock that is held, until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Give the lock up; a second time does nothing. Children that inherited it go on holding it."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_lock(path: Path, *, shared: bool = False) -> FileLock | None:
    """Lock the file at `path`, made when it is not there; None when somebody else holds it.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return FileLock(descriptor)


def wait_for_lock(path: Path, clock: Clock, timeout_s: float, *, shared: bool = False) -> FileLock | None:
    """Lock the file at `path`, waiting up to `timeout_s` and blocking the thread; None if in vain.

    Raises:
        OSError: the file cannot be opened.
    """
    deadline = clock.monotonic() + timeout_s
    while True:
        lock = try_lock(path, shared=shared)
        if lock or clock.monotonic() >= deadline:
            return lock
        time.sleep(_POLL_S)

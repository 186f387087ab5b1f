"""Files of this machine: what is opened, what its revision is, and why one is not read. Blocking."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from buttress.kernel.clock import Clock
from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.sources.types import Content

YOUNG_NS = 2_000_000_000
"""A file that was changed so shortly before it is looked at may change again within the same tick of its
clock: its times say nothing yet (git calls such files racily clean). FAT's clock ticks every two seconds."""

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER_FLAGS = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def revision_of(status: os.stat_result, clock: Clock) -> str:
    """Return what names the bytes of a file: its size, times and inode; nothing while it is young."""
    changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    if changed_ns + YOUNG_NS > clock.now().timestamp() * 1e9:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def read_local(path: Path, name: str, max_bytes: int, clock: Clock, *, within: Path | None = None) -> Content:
    """Return the bytes of the file at `path`, called `name`, as it is now.

    `path` leads there without a link (`resolved`). What is looked at is what was opened, not what stood there
    before: it may have been changed in between, also a folder below `within` to a link that leads out of it.

    Raises:
        Unreadable: it is gone, may not be read, or is no regular file.
        TooLarge: it has more than `max_bytes` bytes.
    """
    try:
        descriptor = _opened(path, within or path.parent)
        try:
            data, revision = _read(descriptor, name, max_bytes, clock)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {why(error)}") from None
    return Content(data, hashlib.sha256(data).hexdigest(), revision)


def resolved(path: Path, refused: Callable[[str], Exception]) -> Path:
    """Return where `path` leads, links followed; where it leads nowhere, raise what `refused` makes of it."""
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise refused(why(error)) from None


def why(error: Exception) -> str:
    """Return why the system refused a path, without the path."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else "its links run in a circle"


def kind_of(mode: int) -> str:
    """Return what a thing is that is no regular file."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def _opened(path: Path, within: Path) -> int:
    """Open a file folder by folder, where the system can, so that no link is followed on the way."""
    if os.open not in os.supports_dir_fd:
        return os.open(path, _OPEN_FLAGS)
    *folders, name = path.relative_to(within).parts
    place = os.open(within, _FOLDER_FLAGS)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(name, _OPEN_FLAGS, dir_fd=place)
    finally:
        os.close(place)


def _read(descriptor: int, name: str, max_bytes: int, clock: Clock) -> tuple[bytes, str]:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{name} is {kind_of(status.st_mode)}, not a file")
    if status.st_size > max_bytes:
        raise TooLarge(f"{name} has {status.st_size:,} bytes; the limit is {max_bytes:,}")
    revision = revision_of(status, clock)
    with open(descriptor, "rb", closefd=False) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLarge(f"{name} grew beyond the limit of {max_bytes:,} bytes while it was read")
    is_same = revision == revision_of(os.fstat(descriptor), clock) and len(data) == status.st_size
    return data, revision if is_same else ""

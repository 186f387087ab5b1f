"""A folder as a source: which files it holds, and the bytes of one. Blocking; call it in a thread."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from buttress.knowledge.errors import SourceMissing, TooLarge, Unreadable
from buttress.knowledge.sources.globs import Globs
from buttress.knowledge.types import FolderSource

MAX_DEPTH = 64
"""Folders inside folders; deeper ones are left out, and named."""

_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a source holds. `relative` has `/` between names on every system, and is part of its id."""

    source: str
    path: Path
    relative: str
    size_bytes: int


class Skipped(msgspec.Struct, frozen=True):
    """Something that was left out, and why; `path` is relative, with what is not text escaped."""

    path: str
    reason: str


class Content(msgspec.Struct, frozen=True):
    """The bytes of a file as they were read, once, and their SHA-256 in hexadecimal."""

    data: bytes
    digest: str


class Listing(msgspec.Struct, frozen=True):
    """What a source holds, in the order of the relative paths."""

    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]


def list_folder(declared: FolderSource, project: Path) -> Listing:
    """Return the files of a declared folder; the folder is relative to `project`.

    Hidden names (with a leading dot) are passed over. A link is followed if it stays inside the folder and
    leads to what was not found at its own place already; otherwise it is skipped.

    Raises:
        SourceMissing: the folder is not there, or is none.
        Unreadable: it may not be read.
    """
    root = _root(declared, project)
    found = _Walk(root, Globs(declared.include, declared.exclude), declared.label).run()
    files = sorted((one for one in found if isinstance(one, SourceFile)), key=lambda one: one.relative)
    skipped = sorted((one for one in found if isinstance(one, Skipped)), key=lambda one: one.path)
    return Listing(tuple(files), tuple(skipped))


def read_file(file: SourceFile, declared: FolderSource, project: Path, max_bytes: int) -> Content:
    """Return the bytes of a listed file, looked at again: it may have changed since it was listed.

    Raises:
        Unreadable: it is gone, may not be read, is no regular file any more, or now leads out of the folder.
        TooLarge: it has more than `max_bytes` bytes; it is not read then.
    """
    root = _root(declared, project)
    try:
        real = file.path.resolve(strict=True)
        if not real.is_relative_to(root):
            raise Unreadable(f"{file.relative} is a link that leaves the folder {declared.folder}")
        data = _read(real, file.relative, max_bytes)
    except (OSError, RuntimeError) as error:
        raise Unreadable(f"{file.relative} cannot be read: {_reason(error)}") from None
    if len(data) > max_bytes:
        raise TooLarge(f"{file.relative} grew beyond the limit of {max_bytes:,} bytes while it was read")
    return Content(data, hashlib.sha256(data).hexdigest())


def _read(real: Path, relative: str, max_bytes: int) -> bytes:
    """Look at what was opened, not at what stood there before: it may have been changed in between."""
    descriptor = os.open(real, _OPEN_FLAGS)
    try:
        _check_status(os.fstat(descriptor), relative, max_bytes)
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(max_bytes + 1)
    finally:
        os.close(descriptor)


def _check_status(status: os.stat_result, relative: str, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{relative} is {_kind(status.st_mode)}, not a file")
    if status.st_size > max_bytes:
        raise TooLarge(f"{relative} has {status.st_size:,} bytes; the limit is {max_bytes:,}")


def _root(declared: FolderSource, project: Path) -> Path:
    try:
        root = (project / declared.folder).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceMissing(
            f"the folder {declared.folder} of source {declared.label}: {_reason(error)}"
        ) from None
    if not root.is_dir():
        raise SourceMissing(f"{declared.folder} of source {declared.label} is not a folder")
    return root


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "its links run in a circle"


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


class _Walk:
    """One walk over a folder: its own files first, then its links, so that no link hides a real path."""

    def __init__(self, root: Path, globs: Globs, source: str) -> None:
        self._root = root
        self._globs = globs
        self._source = source
        self._seen: dict[tuple[int, int], str] = {}
        self._links: list[tuple[Path, str]] = []
        self._found: list[SourceFile | Skipped] = []

    def run(self) -> list[SourceFile | Skipped]:
        """Return all that was found, in no order."""
        status = self._root.stat()
        self._seen[status.st_dev, status.st_ino] = "."
        self._walk(self._root, "")
        while self._links:
            links, self._links = sorted(self._links, key=lambda link: link[1]), []
            for path, relative in links:
                self._follow(path, relative)
        return self._found

    def _walk(self, folder: Path, relative: str) -> None:
        waiting = [(folder, relative)]
        while waiting:
            place, name = waiting.pop()
            for path, inner in self._entries(place, name):
                if path.is_symlink():
                    self._links.append((path, inner))
                elif self._take(path, inner, path):
                    waiting.append((path, inner))

    def _entries(self, folder: Path, relative: str) -> Iterator[tuple[Path, str]]:
        if relative.count("/") >= MAX_DEPTH:
            self._skip(relative, f"is more than {MAX_DEPTH} folders deep")
            return
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - iterdir does not sort, and builds a path for each
        except OSError as error:
            self._skip(relative or ".", f"cannot be read: {_reason(error)}")
            return
        for name in names:
            inner = f"{relative}/{name}" if relative else name
            if not _is_text(name):
                self._skip(inner, "has a name that is not UTF-8")
            elif not name.startswith("."):
                yield folder / name, inner

    def _follow(self, path: Path, relative: str) -> None:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            is_circle = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
            self._skip(relative, "is a link in a circle" if is_circle else "is a link to nothing")
            return
        if not real.is_relative_to(self._root):
            self._skip(relative, "is a link that leaves the folder")
        elif self._take(path, relative, real):
            self._walk(path, relative)

    def _take(self, path: Path, relative: str, real: Path) -> bool:
        """Note a file; say whether it is a folder to walk."""
        try:
            status = real.stat()
        except OSError as error:
            self._skip(relative, f"cannot be read: {_reason(error)}")
            return False
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and not self._globs.accept(relative):
            return False
        if not is_folder and not stat.S_ISREG(status.st_mode):
            self._skip(relative, f"is {_kind(status.st_mode)}, not a file")
            return False
        if self._is_known(path, relative, status):
            return False
        if not is_folder:
            self._found.append(self._file(path, relative, status))
        return is_folder

    def _is_known(self, path: Path, relative: str, status: os.stat_result) -> bool:
        """Say whether a link leads to what was found before; hard links are files in their own right."""
        identity = (status.st_dev, status.st_ino)
        first = self._seen.setdefault(identity, relative)
        if first == relative or not _is_reached_by_link(path, self._root):
            return False
        self._skip(relative, f"is a link to {first}, which is read there")
        return True

    def _file(self, path: Path, relative: str, status: os.stat_result) -> SourceFile:
        return SourceFile(
            source=self._source,
            path=path,
            relative=relative,
            size_bytes=status.st_size,
        )

    def _skip(self, relative: str, reason: str) -> None:
        self._found.append(Skipped(relative.encode("utf-8", "backslashreplace").decode(), reason))


def _is_text(name: str) -> bool:
    """Say whether a name was UTF-8 on disk: what was not comes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_reached_by_link(path: Path, root: Path) -> bool:
    return path.parent.resolve() / path.name != path or path.is_symlink() or not path.is_relative_to(root)

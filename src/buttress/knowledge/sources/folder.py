"""A folder as a source: which files it holds, and the bytes of one."""

import asyncio
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path

from buttress.kernel.clock import Clock
from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.sources.globs import Globs
from buttress.knowledge.sources.local_files import kind_of, read_local, resolved, revision_of, why
from buttress.knowledge.sources.names import odd_name, shown
from buttress.knowledge.sources.types import Content, Entry, Listing, Skipped
from buttress.knowledge.types import FolderSource

MAX_DEPTH = 64
"""Folders inside folders; deeper ones are left out, and named."""


class Folder:
    """A `Source`: a declared folder, relative to `project`.

    Hidden names (with a leading dot) are passed over. A link is followed if it stays inside the folder and
    leads to what was not found at its own place already; otherwise it is skipped.
    """

    def __init__(self, declared: FolderSource, project: Path, clock: Clock) -> None:
        self._declared = declared
        self._project = project
        self._clock = clock

    async def list(self, known: Mapping[str, str]) -> Listing:  # noqa: ARG002 - looking at all is as quick
        """See `Source.list`."""
        return await asyncio.to_thread(self._list)

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`. Looked at again: it may have changed, or lead out of the folder now."""
        return await asyncio.to_thread(self._read, entry.path, max_bytes)

    def _list(self) -> Listing:
        declared = self._declared
        found = _Walk(self._root(), Globs(declared.include, declared.exclude), self._clock).run()
        entries = sorted((one for one in found if isinstance(one, Entry)), key=lambda one: one.path)
        skipped = sorted((one for one in found if isinstance(one, Skipped)), key=lambda one: one.path)
        return Listing(tuple(entries), tuple(skipped))

    def _read(self, path: str, max_bytes: int) -> Content:
        try:
            return self._read_in(self._root(), path, max_bytes)
        except Unreadable:
            self._root()  # where all of it went just now, that is what is said
            raise

    def _read_in(self, root: Path, path: str, max_bytes: int) -> Content:
        real = resolved(root / path, lambda reason: Unreadable(f"{path} cannot be read: {reason}"))
        if not real.is_relative_to(root):
            raise Unreadable(f"{path} is a link that leaves the folder {self._declared.folder}")
        return read_local(real, path, max_bytes, self._clock, within=root)

    def _root(self) -> Path:
        folder = f"the folder {self._declared.folder} of source {self._declared.label}"
        root = resolved(
            self._project / self._declared.folder, lambda reason: SourceMissing(f"{folder}: {reason}")
        )
        if not root.is_dir():
            raise SourceMissing(f"{self._declared.folder} of source {self._declared.label} is not a folder")
        return root


class _Walk:
    """One walk over a folder: its own files first, then its links, so that no link hides a real path."""

    def __init__(self, root: Path, globs: Globs, clock: Clock) -> None:
        self._root = root
        self._globs = globs
        self._clock = clock
        self._seen: dict[tuple[int, int], str] = {}
        self._links: list[tuple[str, str]] = []
        self._found: list[Entry | Skipped] = []

    def run(self) -> list[Entry | Skipped]:
        """Return all that was found, in no order."""
        status = self._root.stat()
        self._seen[status.st_dev, status.st_ino] = "."
        self._walk(str(self._root), "")
        while self._links:
            links, self._links = sorted(self._links, key=lambda link: link[1]), []
            for path, relative in links:
                self._follow(path, relative)
        return self._found

    def _walk(self, folder: str, relative: str) -> None:
        waiting = [(folder, relative)]
        while waiting:
            place, name = waiting.pop()
            for found, inner in self._entries(place, name):
                if found.is_symlink():
                    self._links.append((found.path, inner))
                elif self._take(found.path, inner, found.path):
                    waiting.append((found.path, inner))

    def _entries(self, folder: str, relative: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        if relative.count("/") >= MAX_DEPTH:
            self._skip(relative, f"is more than {MAX_DEPTH} folders deep")
            return
        try:
            with os.scandir(folder) as listed:
                found = sorted(listed, key=attrgetter("name"))
        except OSError as error:
            self._skip(relative or ".", f"cannot be read: {why(error)}")
            return
        for one in found:
            inner = f"{relative}/{one.name}" if relative else one.name
            if odd := odd_name(one.name):
                self._skip(inner, odd)
            elif not one.name.startswith("."):
                yield one, inner

    def _follow(self, path: str, relative: str) -> None:
        try:
            real = Path(path).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            is_circle = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
            self._skip(relative, "is a link in a circle" if is_circle else "is a link to nothing")
            return
        if not real.is_relative_to(self._root):
            self._skip(relative, "is a link that leaves the folder")
        elif self._take(path, relative, str(real)):
            self._walk(path, relative)

    def _take(self, path: str, relative: str, real: str) -> bool:
        """Note a file; say whether it is a folder to walk."""
        try:
            status = os.stat(real)  # noqa: PTH116 - a Path for each of 100,000 files takes longer than to look
        except OSError as error:
            self._skip(relative, f"cannot be read: {why(error)}")
            return False
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and not self._globs.accept(relative):
            return False
        if not is_folder and not stat.S_ISREG(status.st_mode):
            self._skip(relative, f"is {kind_of(status.st_mode)}, not a file")
            return False
        if self._is_known(path, relative, status):
            return False
        if not is_folder:
            self._found.append(self._entry(relative, status))
        return is_folder

    def _is_known(self, path: str, relative: str, status: os.stat_result) -> bool:
        """Say whether a link leads to what was found before; hard links are files in their own right."""
        identity = (status.st_dev, status.st_ino)
        first = self._seen.setdefault(identity, relative)
        if first == relative or not _is_reached_by_link(Path(path), self._root):
            return False
        self._skip(relative, f"is a link to {first}, which is read there")
        return True

    def _entry(self, relative: str, status: os.stat_result) -> Entry:
        return Entry(path=relative, revision=revision_of(status, self._clock), size_bytes=status.st_size)

    def _skip(self, relative: str, reason: str) -> None:
        self._found.append(Skipped(shown(relative), reason))


def _is_reached_by_link(path: Path, root: Path) -> bool:
    return path.parent.resolve() / path.name != path or path.is_symlink() or not path.is_relative_to(root)

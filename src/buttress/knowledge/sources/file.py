"""One file as a source."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from buttress.kernel.clock import Clock
from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.sources.local_files import kind_of, read_local, resolved, revision_of
from buttress.knowledge.sources.types import Content, Entry, Listing
from buttress.knowledge.types import FileSource


class File:
    """A `Source`: one declared file, relative to `project`; whoever declared a link meant it."""

    def __init__(self, declared: FileSource, project: Path, clock: Clock) -> None:
        self._declared = declared
        self._project = project
        self._clock = clock

    async def list(self, known: Mapping[str, str]) -> Listing:  # noqa: ARG002 - looking is as quick
        """See `Source.list`."""
        return await asyncio.to_thread(self._list)

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`."""
        return await asyncio.to_thread(self._read, entry.path, max_bytes)

    def _list(self) -> Listing:
        real = self._real()
        status = real.stat()
        revision = revision_of(status, self._clock)
        entry = Entry(path=Path(self._declared.file).name, revision=revision, size_bytes=status.st_size)
        return Listing((entry,))

    def _read(self, path: str, max_bytes: int) -> Content:
        return read_local(self._real(), path, max_bytes, self._clock)

    def _real(self) -> Path:
        file = f"the file {self._declared.file} of source {self._declared.label}"
        real = resolved(
            self._project / self._declared.file, lambda reason: SourceMissing(f"{file}: {reason}")
        )
        if not real.is_file():
            raise SourceMissing(f"{file} is {kind_of(real.stat().st_mode)}")
        return real

"""Documents on this machine, for the tests of sources."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from buttress.knowledge.ports import Source
from buttress.knowledge.sources.folder import Folder
from buttress.knowledge.types import FolderSource
from buttress.testing.clock import ManualClock

DOCUMENTS = {"a.md": b"# About roses", "b/c.txt": b"Of gardens", "b/d.md": "# Über Bäume".encode()}


def later() -> ManualClock:
    """Return a clock that stands where everything that is there was changed long ago."""
    return ManualClock(datetime.now(UTC) + timedelta(hours=1))  # noqa: TID251 - files have the system's times


class FolderHolding:
    """A folder with documents; see `testing.contracts.source.Holding`."""

    def __init__(self, project: Path) -> None:
        self._folder = project / "docs"
        self.documents: Mapping[str, bytes] = DOCUMENTS
        for path, data in DOCUMENTS.items():
            self._put(path, data)
        self.source: Source = Folder(FolderSource(folder="docs", readers=("*",)), project, later())

    async def put(self, path: str, data: bytes) -> None:
        """Write a document anew."""
        self._put(path, data)

    async def remove(self, path: str) -> None:
        """Remove a document."""
        (self._folder / path).unlink()

    async def vanish(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder)

    def _put(self, path: str, data: bytes) -> None:
        (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / path).write_bytes(data)

"""Traces that are stored, kept for some days: a database that is restored from a backup learns them again.

2026-11-21T19.traces    what was shipped in that hour (UTC), a line each, as it came from the spool
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import structlog

from buttress.kernel.ids import TraceId
from buttress.storage.spool import read_records
from buttress.tracing.settings import TracingSettings
from buttress.tracing.shipping import read_traces, store_all
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace

SUFFIX = ".traces"
LONGEST_BYTES = 16_777_216
"""Where the last line of a file is looked for: in so many bytes at its end."""

BATCH, NEWEST = 500, 20

_log = structlog.get_logger("buttress.tracing.shipped")


class Shipped:
    """What is kept in `folder`, for as long and as much as the settings say. One process writes at a time."""

    def __init__(self, folder: Path, settings: TracingSettings) -> None:
        self._folder = folder
        self._days = settings.keep_shipped_days
        self._most_bytes = settings.keep_shipped_bytes

    @property
    def files(self) -> list[Path]:
        """The files, the oldest first."""
        return sorted(self._folder.glob(f"*{SUFFIX}"))

    def keep(self, path: Path, now: datetime) -> None:
        """Keep the whole lines of a spool file. Never raises: what cannot be kept is stored all the same."""
        if not self._days:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file(now).open("a+b") as file:
                _end_a_line(file)
                file.write(_whole_lines(path.read_bytes()))
        except OSError as error:
            _log.error("traces.not_kept", file=path.name, reason=str(error))

    def forget(self, now: datetime) -> int:
        """Remove files that are too old, and the oldest of what is too much; return how many."""
        oldest = self._file(now - timedelta(days=self._days)).name
        left, gone = self._most_bytes, 0
        for path in reversed(self.files):
            left -= path.stat().st_size
            if path.name < oldest or left < 0:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def newest(self) -> list[TraceId]:
        """Return the traces that were kept last, `NEWEST` at most of one hour, the newest first."""
        for path in reversed(self.files):
            lines = reversed(_last_lines(path)[-NEWEST:])
            if found := [trace.trace_id for trace in read_traces(lines, path.name)]:
                return found
        return []

    def _file(self, moment: datetime) -> Path:
        return self._folder / f"{moment.astimezone(UTC).strftime('%Y-%m-%dT%H')}{SUFFIX}"


async def catch_up(shipped: Shipped, store: TraceStore) -> int:
    """Store everything that is kept, if the database has forgotten the last of it; return what was new.

    It has where it knows none of the newest: one by itself may be such that no table can hold it.

    Raises:
        StorageUnavailable: PostgreSQL is away.
    """
    newest = await asyncio.to_thread(shipped.newest)
    if not newest or await store.knows_any(newest):
        return 0
    _log.warning("database.was_restored", missing=newest[0])
    learned = 0
    for path in shipped.files:
        for traces in _batches(path):
            learned += len(await store_all(traces, store))
    _log.warning("database.has_learned", traces=learned)
    return learned


def _batches(path: Path) -> Iterator[list[Trace]]:
    batch: list[Trace] = []
    for trace in read_traces(read_records(path), path.name):
        batch.append(trace)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1]


def _end_a_line(file: BinaryIO) -> None:
    """Cut off half a line at the end: whoever wrote it was killed, and it is written again."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    if file.read() in (b"", b"\n"):
        return
    begin = max(0, size - LONGEST_BYTES)
    file.seek(begin)
    file.truncate(begin + len(_whole_lines(file.read())))
    file.seek(0, os.SEEK_END)


def _last_lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - LONGEST_BYTES)
            file.seek(begin)
            lines = _whole_lines(file.read()).splitlines()
    except FileNotFoundError:
        return []
    return lines[1:] if begin else lines

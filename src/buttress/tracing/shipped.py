"""Traces that are stored, kept for some days: a database that is restored from a backup learns them again.

2026-11-21T19.traces    what was shipped in that hour (UTC), a line each, as it came from the spool
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from buttress.kernel.ids import TraceId
from buttress.storage.spool import adding, last_records, read_records
from buttress.tracing.settings import TracingSettings
from buttress.tracing.shipping import read_traces, store_all
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace

SUFFIX = ".traces"
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
            with adding(self._file(now)) as file:
                file.writelines(record + b"\n" for record in read_records(path))
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
            lines = reversed(last_records(path)[-NEWEST:])
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

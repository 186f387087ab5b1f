"""Spool -> PostgreSQL: at least once by the files, exactly once by the trace's id."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from buttress.storage.folder import folder_errors
from buttress.tracing.spool import read_records, seal_orphans, sealed_files
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace

_log = structlog.get_logger("buttress.tracing.shipping")


async def ship(folder: Path, store: TraceStore) -> int:
    """Store every trace that waits in `folder`, delete what is stored, and return how many there were.

    Another shipper at work in the same folder means there is nothing to do: 0.

    Raises:
        StorageUnavailable: PostgreSQL is away; the files stay for the next time.
        DiskFull, FolderUnusable: `folder` is gone, and cannot be made again.
    """
    with _only_shipper(folder) as alone:
        if not alone:
            return 0
        await asyncio.to_thread(seal_orphans, folder)
        return sum([await _ship_file(path, store) for path in sealed_files(folder)])


async def _ship_file(path: Path, store: TraceStore) -> int:
    try:
        traces = list(_traces(path))
    except FileNotFoundError:  # whoever removed it has lost it
        return 0
    if traces:
        await store.add(traces)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(traces)


def _traces(path: Path) -> Iterator[Trace]:
    for record in read_records(path):
        try:
            yield msgspec.json.decode(record, type=Trace)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.error("spool.unreadable_record", file=path.name, reason=str(error), bytes=len(record))


@contextmanager
def _only_shipper(folder: Path) -> Iterator[bool]:
    with folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "ship.lock").open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True

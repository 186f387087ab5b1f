"""Spool -> PostgreSQL: at least once by the files, exactly once by the trace's id."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.ids import TraceId
from buttress.storage.errors import DataRefused
from buttress.storage.folder import folder_errors
from buttress.storage.spool import only_reader, read_records, remove_unfinished, seal_orphans, sealed_files
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from buttress.tracing.underway import left_behind

_log = structlog.get_logger("buttress.tracing.shipping")


def _unheard(trace: Trace) -> None:
    del trace


def _unkept(path: Path) -> None:
    del path


async def ship(
    folder: Path,
    store: TraceStore,
    hear: Callable[[Trace], None] = _unheard,
    keep: Callable[[Path], None] = _unkept,
) -> int:
    """Store every trace that waits in `folder`, delete what is stored, and return how many there were.

    `keep` gets each file before it is deleted, in a thread; it must not fail. A call whose process died
    before its end gets a trace that says so, `lost`, of which `hear` is told.
    Another shipper at work in the same folder means there is nothing to do: 0.

    Raises:
        StorageUnavailable: PostgreSQL is away; the files stay for the next time.
        DiskFull, FolderUnusable: `folder` is gone, and cannot be made again.
    """
    with only_reader(folder) as alone:
        if not alone:
            return 0
        with folder_errors(folder):
            await asyncio.to_thread(remove_unfinished, folder)
        await asyncio.to_thread(seal_orphans, folder)
        shipped = sum([await _ship_file(path, store, keep) for path in sealed_files(folder)])
        left = await asyncio.to_thread(left_behind, folder)
        return shipped + sum([await _ship_lost(path, store, hear) for path in left])


async def _ship_file(path: Path, store: TraceStore, keep: Callable[[Path], None]) -> int:
    traces = list(_traces(path))
    if traces:
        await store_all(traces, store)
        await asyncio.to_thread(keep, path)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(traces)


async def store_all(traces: Sequence[Trace], store: TraceStore) -> frozenset[TraceId]:
    """Store `traces`, and return the ids that are new; one that no table can hold is left out."""
    try:
        return await store.add(traces) if traces else frozenset()
    except DataRefused as error:
        if len(traces) == 1:
            _log.error("spool.unstorable_record", trace_id=traces[0].trace_id, reason=str(error))
            return frozenset()
    half = len(traces) // 2
    return await store_all(traces[:half], store) | await store_all(traces[half:], store)


async def _ship_lost(path: Path, store: TraceStore, hear: Callable[[Trace], None]) -> int:
    """Store what began and never ended: the traces of the others are there already, and stay as they are."""
    began = {trace.trace_id: trace for trace in _traces(path)}
    lost = await store_all(list(began.values()), store)
    if lost:
        _log.warning("calls.lost", writer=path.stem, calls=len(lost))
    for trace_id in lost:
        hear(began[trace_id])
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(lost)


def _traces(path: Path) -> Iterator[Trace]:
    try:
        yield from read_traces(read_records(path), path.name)
    except FileNotFoundError:  # whoever removed it has lost it
        return


def read_traces(records: Iterable[bytes], name: str) -> Iterator[Trace]:
    """Yield the traces in `records` of the file `name`; one that cannot be read is told and left out."""
    for record in records:
        try:
            yield _read(record)
        except UNDECODABLE as error:
            _log.error("spool.unreadable_record", file=name, reason=str(error), bytes=len(record))


def _read(record: bytes) -> Trace:
    """Return the trace in `record`, without its input where that is JSON that nobody can hold: `1e999`."""
    try:
        return msgspec.json.decode(record, type=Trace)
    except (msgspec.ValidationError, RecursionError):
        fields = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(msgspec.json.encode(fields | {"input": {}}), type=Trace)

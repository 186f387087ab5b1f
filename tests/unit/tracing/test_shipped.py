"""Traces that are kept after they were stored: killed here, too old, too much, on a full disk, twice."""

from datetime import timedelta
from pathlib import Path

import msgspec

from buttress.storage.database import Database
from buttress.testing.clock import NOON
from buttress.tracing.settings import TracingSettings
from buttress.tracing.shipped import Shipped, catch_up
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.unit.tracing.conftest import MakeTrace


def spooled(folder: Path, *traces: Trace, torn: bytes = b"") -> Path:
    """Write a file as a spool has it."""
    path = folder / "w-000001.sealed"
    path.write_bytes(b"".join(msgspec.json.encode(trace) + b"\n" for trace in traces) + torn)
    return path


async def test_what_a_restored_database_has_forgotten_it_learns_again(
    database: Database, make_trace: MakeTrace, tmp_path: Path
) -> None:
    shipped, store = Shipped(tmp_path / "kept", TracingSettings()), TraceStore(database)
    traces = [make_trace(tenant="shipped-again") for _ in range(1_203)]
    for start, hours in ((0, 0), (600, 1)):
        path = spooled(tmp_path, *traces[start : start + 603], torn=b'{"half')
        shipped.keep(path, NOON + timedelta(hours=hours))
    assert [path.name for path in shipped.files] == ["2026-01-02T12.traces", "2026-01-02T13.traces"]
    await store.add(traces[:5])
    assert await catch_up(shipped, store) == 1_198
    assert await catch_up(shipped, store) == 0
    assert await store.knows_any([traces[700].trace_id])


async def test_where_nothing_is_kept_nothing_is_missing(database: Database, tmp_path: Path) -> None:
    assert await catch_up(Shipped(tmp_path / "none", TracingSettings()), TraceStore(database)) == 0


def test_what_is_too_old_or_too_much_goes(make_trace: MakeTrace, tmp_path: Path) -> None:
    settings = TracingSettings(keep_shipped_days=1, keep_shipped_bytes=1_048_576)
    shipped, large = Shipped(tmp_path / "kept", settings), make_trace(answer="x" * 400_000)
    for hours in (-30, -20, -2, -1, 0):
        shipped.keep(spooled(tmp_path, large), NOON + timedelta(hours=hours))
    assert shipped.forget(NOON) == 3
    assert [path.name[-9:-7] for path in shipped.files] == ["11", "12"]
    assert shipped.forget(NOON) == 0


def test_who_was_killed_while_keeping_leaves_half_a_line_that_goes(
    make_trace: MakeTrace, tmp_path: Path
) -> None:
    shipped = Shipped(tmp_path / "kept", TracingSettings())
    first, second = make_trace(), make_trace()
    shipped.keep(spooled(tmp_path, first), NOON)
    with shipped.files[0].open("ab") as file:
        file.write(b'{"trace_id": "half of')
    assert shipped.newest() == [first.trace_id]
    shipped.keep(spooled(tmp_path, second), NOON)
    assert shipped.newest() == [second.trace_id, first.trace_id]
    assert len(shipped.files[0].read_bytes().splitlines()) == 2


def test_none_are_kept_where_none_are_wanted_or_none_fit(make_trace: MakeTrace, tmp_path: Path) -> None:
    path = spooled(tmp_path, make_trace())
    unwanted = Shipped(tmp_path / "unwanted", TracingSettings(keep_shipped_days=0))
    unwanted.keep(path, NOON)
    (tmp_path / "file").touch()
    unwritable = Shipped(tmp_path / "file", TracingSettings())
    unwritable.keep(path, NOON)
    assert (unwanted.files, unwritable.files) == ([], [])
    assert unwanted.newest() == []


def test_a_line_that_nobody_can_read_is_passed_over(make_trace: MakeTrace, tmp_path: Path) -> None:
    shipped, trace = Shipped(tmp_path / "kept", TracingSettings()), make_trace()
    shipped.keep(spooled(tmp_path, trace, torn=b'{"of": "a newer version"}\n'), NOON)
    assert shipped.newest() == [trace.trace_id]

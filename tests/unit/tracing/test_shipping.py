"""From the spool to PostgreSQL: nothing lost, nothing twice, whatever is broken."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database
from buttress.storage.errors import FolderUnusable
from buttress.storage.spool import Spool, sealed_files
from buttress.tracing.shipping import ship
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from buttress.tracing.underway import Underway, left_behind
from tests.unit.tracing.conftest import MakeTrace


async def test_what_was_spooled_is_stored_and_its_files_are_gone(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, spool = TraceStore(database), Spool(tmp_path, "w", 300)
    traces = [make_trace(tenant="shipped") for _ in range(7)]
    for trace in traces:
        spool.append(msgspec.json.encode(trace))
    spool.seal()
    assert await ship(tmp_path, store) == 7
    assert {one.trace_id for one in await store.latest("shipped")} == {one.trace_id for one in traces}
    assert sealed_files(tmp_path) == []
    assert await ship(tmp_path, store) == 0


async def test_a_record_that_cannot_be_read_does_not_hold_up_the_others(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store = TraceStore(database)
    good = msgspec.json.encode(make_trace(tenant="torn"))
    (tmp_path / "w-1.sealed").write_bytes(b"{not json\n" + b'{"trace_id": 7}\n' + good + b"\n" + b"\xff\n")
    assert await ship(tmp_path, store) == 1
    assert len(await store.latest("torn")) == 1


@pytest.mark.parametrize(
    "input_",
    [
        pytest.param(b"1e999", id="a number that no float holds"),
        pytest.param(b"[" * 970 + b"]" * 970, id="nested almost too deeply to be read"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="nested too deeply to be read"),
    ],
)
async def test_what_a_client_sent_does_not_hold_up_the_traces(
    tmp_path: Path, database: Database, make_trace: MakeTrace, input_: bytes
) -> None:
    store = TraceStore(database)
    odd, good = (make_trace(tenant="odd", input={"x": "HERE"}, outcome="failed") for _ in range(2))
    records = [msgspec.json.encode(odd).replace(b'"HERE"', input_), msgspec.json.encode(good)]
    (tmp_path / "w-1.sealed").write_bytes(b"\n".join(records) + b"\n")
    await ship(tmp_path, store)
    assert good.trace_id in {one.trace_id for one in await store.latest("odd")}


async def test_a_trace_that_no_table_can_hold_does_not_hold_up_the_others(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, traces = TraceStore(database), [make_trace(tenant="rich") for _ in range(5)]
    bad = msgspec.structs.replace(traces[3], cost_nanodollars=NanoDollars(10**30))
    records = [msgspec.json.encode(one) for one in (*traces[:3], bad, traces[4])]
    (tmp_path / "w-1.sealed").write_bytes(b"\n".join(records) + b"\n")
    await ship(tmp_path, store)
    assert len(await store.latest("rich")) == 4
    assert sealed_files(tmp_path) == []


async def test_a_call_with_an_input_that_cannot_be_kept_is_kept_without_it(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, trace = TraceStore(database), make_trace(tenant="huge", input={"x": "HERE"})
    (tmp_path / "w-1.sealed").write_bytes(msgspec.json.encode(trace).replace(b'"HERE"', b"-1e999") + b"\n")
    assert await ship(tmp_path, store) == 1
    assert [one.input for one in await store.latest("huge")] == [{}]


async def test_several_shippers_at_once_store_each_trace_once(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, spool = TraceStore(database), Spool(tmp_path, "w", 300)
    for _ in range(20):
        spool.append(msgspec.json.encode(make_trace(tenant="at once")))
    spool.seal()
    await asyncio.gather(*(ship(tmp_path, store) for _ in range(5)))
    assert len(await store.latest("at once", limit=100)) == 20


async def test_a_spool_that_is_not_there_is_an_empty_one(tmp_path: Path, database: Database) -> None:
    assert await ship(tmp_path / "not" / "there", TraceStore(database)) == 0


async def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnusable, match="file/spool"):
        await ship(tmp_path / "file" / "spool", TraceStore(database))


async def test_the_files_stay_when_they_cannot_be_stored(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    spool = Spool(tmp_path, "w", 10_000)
    spool.append(msgspec.json.encode(make_trace(tenant="stays", outcome="answered", trace_id="x" * 3_000)))
    spool.seal()
    async with database.connection() as connection:
        await connection.execute(
            "ALTER TABLE traces ADD CONSTRAINT short CHECK (length(trace_id) < 1000) NOT VALID"
        )
    try:
        with pytest.raises(Exception, match="short"):
            await ship(tmp_path, TraceStore(database))
        assert len(sealed_files(tmp_path)) == 1
    finally:
        async with database.connection() as connection:
            await connection.execute("ALTER TABLE traces DROP CONSTRAINT short")
    assert await ship(tmp_path, TraceStore(database)) == 1


class Writer:
    """A process that answers: `dies` is what `kill -9` leaves."""

    def __init__(self, folder: Path, make_trace: MakeTrace, tenant: str) -> None:
        self.spool, self.underway = Spool(folder, "w", 300), Underway(folder, "w", 300)
        self._make, self._tenant = make_trace, tenant

    def begin(self) -> Trace:
        """Begin a call."""
        trace = self._make(tenant=self._tenant, outcome="lost", duration_ms=0.0)
        self.underway.begin(trace.trace_id, msgspec.json.encode(trace))
        return trace

    def end(self, trace: Trace) -> None:
        """End it, answered."""
        self.spool.append(msgspec.json.encode(msgspec.structs.replace(trace, outcome="answered")))
        self.underway.end(trace.trace_id)

    def dies(self) -> None:
        """Let go of everything as it is."""
        self.spool._abandon()  # noqa: SLF001 - as the system does it
        self.underway._let_go()  # noqa: SLF001


async def test_a_call_whose_process_died_is_lost_and_the_others_are_what_they_were(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, writer = TraceStore(database), Writer(tmp_path, make_trace, "died")
    ended, cut = [writer.begin() for _ in range(5)], [writer.begin() for _ in range(3)]
    for one in ended[:3]:
        writer.end(one)
    writer.spool.seal()
    assert await ship(tmp_path, store) == 3
    for one in ended[3:]:
        writer.end(one)
    writer.dies()
    heard: list[Trace] = []
    assert await ship(tmp_path, store, heard.append) == 5
    assert {one.trace_id for one in heard} == {one.trace_id for one in cut}
    told = {one.trace_id: one.outcome for one in await store.latest("died")}
    assert told == {one.trace_id: "answered" for one in ended} | {one.trace_id: "lost" for one in cut}
    assert left_behind(tmp_path) == sealed_files(tmp_path) == []
    assert await ship(tmp_path, store) == 0


async def test_while_its_process_lives_no_call_is_lost(
    tmp_path: Path, database: Database, make_trace: MakeTrace
) -> None:
    store, writer = TraceStore(database), Writer(tmp_path, make_trace, "lives")
    running = writer.begin()
    assert await ship(tmp_path, store) == 0
    writer.end(running)
    writer.spool.close()
    writer.underway.close()
    assert await ship(tmp_path, store) == 1
    assert [one.outcome for one in await store.latest("lives")] == ["answered"]

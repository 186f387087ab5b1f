"""A trace on its way: noted when its call begins, written when it ends, stored once."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from buttress.app.recording import Recording
from buttress.kernel.clock import SystemClock
from buttress.kernel.ids import TraceId
from buttress.storage.database import Database
from buttress.tracing.settings import TracingSettings
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace


def a_trace(trace_id: str, **changes: object) -> Trace:
    plain = Trace(
        trace_id=TraceId(trace_id),
        tenant="recording",
        feature="support",
        release_id=None,
        user_id=None,
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        duration_ms=1.0,
        outcome="answered",
        input={"question": "Why?"},
        answer="Because.",
    )
    return msgspec.structs.replace(plain, **changes)


async def test_what_was_recorded_is_stored_and_told(database: Database, tmp_path: Path) -> None:
    heard: list[Trace] = []
    recording = Recording(tmp_path, "w", TracingSettings(), SystemClock())
    recording.listen(heard.append)
    trace = a_trace("tr_recorded_1")
    recording.begin(trace)
    recording.record(trace)
    recording.close()
    assert (await recording.ship(database), recording.trouble) == (1, "")
    assert heard == [trace]
    assert await TraceStore(database).get("recording", "tr_recorded_1") == trace


async def test_where_content_is_not_kept_figures_are(database: Database, tmp_path: Path) -> None:
    recording = Recording(tmp_path, "w", TracingSettings(keep_content=False), SystemClock())
    recording.record(a_trace("tr_recorded_2"))
    recording.close()
    await recording.ship(database)
    kept = await TraceStore(database).get("recording", "tr_recorded_2")
    assert (kept.input, kept.answer, kept.feature) == ({}, "", "support")


async def test_what_is_no_json_is_left_out_and_the_rest_kept(database: Database, tmp_path: Path) -> None:
    recording = Recording(tmp_path, "w", TracingSettings(), SystemClock())
    recording.record(a_trace("tr_recorded_3", input={"question": object()}))
    recording.close()
    await recording.ship(database)
    assert (await TraceStore(database).get("recording", "tr_recorded_3")).input == {}


async def test_a_database_of_yesterday_gets_the_traces_again(database: Database, tmp_path: Path) -> None:
    recording = Recording(tmp_path, "w", TracingSettings(), SystemClock())
    trace = a_trace("tr_recorded_4", tenant="recording-again")
    recording.record(trace)
    recording.close()
    await recording.ship(database)
    assert await recording.catch_up(database) == 0
    async with database.connection() as connection:
        await connection.execute("DELETE FROM traces WHERE tenant = 'recording-again'")
    assert await recording.catch_up(database) == 1
    assert await TraceStore(database).latest("recording-again") == [trace]
    assert recording.forget() == 0

"""What happened in the calls of this process, on its way into the database."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from buttress.app.layout import shipped_folder, spool_folder
from buttress.kernel.clock import Clock
from buttress.storage.database import Database
from buttress.storage.spool import Spool
from buttress.tracing.settings import TracingSettings
from buttress.tracing.shipped import Shipped, catch_up
from buttress.tracing.shipping import ship
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from buttress.tracing.underway import Underway


class Recording:
    """The traces of one process of `project`, as the writer `writer` of its spool."""

    def __init__(self, project: Path, writer: str, settings: TracingSettings, clock: Clock) -> None:
        self._folder = folder = spool_folder(project)
        self._shipped = Shipped(shipped_folder(project), settings)
        self._clock = clock
        self._settings = settings
        self._spool = Spool(folder, writer, settings.segment_bytes, of="traces")
        self._underway = Underway(folder, writer, settings.segment_bytes)
        self._hearing: list[Callable[[Trace], None]] = []

    @property
    def trouble(self) -> str:
        """Why traces are not where they should be; empty when they are."""
        return self._spool.trouble

    def listen(self, hear: Callable[[Trace], None]) -> None:
        """Have `hear` called with each trace as it is recorded, and with those that `ship` finds lost."""
        self._hearing.append(hear)

    def begin(self, trace: Trace) -> None:
        """Note the trace that a call is to have if this process dies. Never raises."""
        self._underway.begin(trace.trace_id, self._encoded(trace))

    def record(self, trace: Trace) -> None:
        """Write the trace of a call that ended. Never raises."""
        self._spool.append(self._encoded(trace))
        self._underway.end(trace.trace_id)
        self._tell(trace)

    def seal(self) -> None:
        """Hand the traces so far to whoever ships them."""
        self._spool.seal()
        self._underway.restore()

    def close(self) -> None:
        """Hand everything over; nothing is recorded any more."""
        self._spool.close()
        self._underway.close()

    async def ship(self, database: Database) -> int:
        """Move the traces of all processes into the database; raises as `tracing.shipping.ship`."""
        return await ship(self._folder, TraceStore(database), self._tell, self._keep)

    async def catch_up(self, database: Database) -> int:
        """Store again what the database has forgotten, where it was restored; return how much that was."""
        return await catch_up(self._shipped, TraceStore(database))

    def forget(self) -> int:
        """Remove traces that were kept for long enough; return how many files."""
        return self._shipped.forget(self._clock.now())

    def _keep(self, path: Path) -> None:
        self._shipped.keep(path, self._clock.now())

    def _tell(self, trace: Trace) -> None:
        for hear in self._hearing:
            hear(trace)

    def _encoded(self, trace: Trace) -> bytes:
        kept = trace if self._settings.keep_content else trace.without_content()
        try:
            return msgspec.json.encode(kept)
        except (TypeError, ValueError, RecursionError):  # an input that was refused because it is no JSON
            return msgspec.json.encode(kept.without_content())

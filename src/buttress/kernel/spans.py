"""Spans: the timed steps of a call, and the recorder that collects them.

The recorder is plain memory: recording never waits, never fails, and is bounded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError

MAX_SPANS = 1_000
"""A call with more steps than this keeps the first ones; how many were left out is counted."""


class Span(msgspec.Struct, kw_only=True):
    """One timed step. `data` holds JSON types only; `error` is the code of what ended it early."""

    name: str
    started_at: datetime
    start_ms: float
    duration_ms: float | None = None
    depth: int = 0
    error: str | None = None
    data: dict[str, object] = msgspec.field(default_factory=dict)


class Recorder:
    """Collects the spans of one call, in the order they began."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin = clock.monotonic()
        self._depth = 0
        self.spans: list[Span] = []
        self.left_out = 0

    def elapsed_ms(self) -> float:
        """Return the milliseconds since the recorder was made."""
        return (self._clock.monotonic() - self._origin) * 1000

    @contextmanager
    def span(self, name: str, **data: object) -> Iterator[Span]:
        """Time the block as one span; an error that leaves it is noted by its code, and goes on."""
        span = self._begin(name, data)
        try:
            yield span
        except BaseException as error:
            span.error = error.code if isinstance(error, ButtressError) else type(error).__name__
            raise
        finally:
            span.duration_ms = round(self.elapsed_ms() - span.start_ms, 3)
            self._depth -= 1

    def _begin(self, name: str, data: dict[str, object]) -> Span:
        start_ms = round(self.elapsed_ms(), 3)
        span = Span(name=name, started_at=self._clock.now(), start_ms=start_ms, depth=self._depth, data=data)
        self._depth += 1
        if len(self.spans) < MAX_SPANS:
            self.spans.append(span)
        else:
            self.left_out += 1
        return span

"""Time, as something handed in, so that tests own it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from. `testing.clock.ManualClock` is the one that tests turn by hand."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes backwards."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)
    """See `Clock.monotonic`; each call asks for it many times."""

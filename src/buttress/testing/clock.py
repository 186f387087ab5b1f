"""A clock that stands still until it is told to go on."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class ManualClock:
    """A `Clock` turned by hand: `now` and `monotonic` move together by `advance`, `now` alone by `jump`."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """See `Clock.monotonic`; 0 at first."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass.

        Raises:
            ValueError: `seconds` is below 0: time does not run backwards.
        """
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        self._elapsed_s += seconds

    def jump(self, seconds: float) -> None:
        """Put the wall clock right by `seconds`, forwards or, below 0, backwards; no time passes."""
        self._start += timedelta(seconds=seconds)

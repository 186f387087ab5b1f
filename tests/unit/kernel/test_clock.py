"""The machine's clock."""

from datetime import UTC

from buttress.kernel.clock import SystemClock


def test_the_clock_tells_utc_and_never_goes_backwards() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()

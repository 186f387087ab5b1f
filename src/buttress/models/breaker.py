"""The breaker of one deployment: after enough failures in a row it is left alone for a while. Pure.

    closed --failures in a row--> open --its time is over--> half-open --a probe succeeds--> closed
                                    ^--------------------------- a probe fails ------'

Moments are seconds on the clock of whoever asks.
"""

from typing import Literal

import msgspec

from buttress.models.settings import BreakerSettings

State = Literal["closed", "open", "half_open"]
Effect = Literal["good", "ill", "neither"]
"""What a call says about its deployment; `neither` where it was the request's fault, or nobody waited."""


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a deployment.

    `failures` counts those in a row; `trips` how often it was opened in a row, without a success between.
    `until` is when a probe may go; `is_probed` that one is under way.
    """

    failures: int = 0
    trips: int = 0
    until: float | None = None
    is_probed: bool = False

    def state(self, now: float) -> State:
        """Return what it is at `now`."""
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def admits(self, now: float) -> bool:
        """Say whether a call may go: any while closed, one at a time while half-open."""
        match self.state(now):
            case "closed":
                return True
            case "half_open":
                return not self.is_probed
            case "open":
                return False


def entered(breaker: Breaker, now: float) -> Breaker:
    """Return the breaker when a call that it admits has gone."""
    if breaker.state(now) == "closed":
        return breaker
    return msgspec.structs.replace(breaker, is_probed=True)


def after(breaker: Breaker, effect: Effect, now: float, settings: BreakerSettings) -> Breaker:
    """Return the breaker when a call has ended with `effect`.

    One that was let in before it opened, and ends well while it is open, does not close it: it says how the
    deployment was, not how it is.
    """
    if effect == "neither":
        return msgspec.structs.replace(breaker, is_probed=False)
    if effect == "good":
        return breaker if breaker.state(now) == "open" else Breaker()
    if breaker.state(now) == "open":
        return breaker
    failures = breaker.failures + 1
    is_probe = breaker.state(now) == "half_open"
    if is_probe or failures >= settings.failures:
        return _opened(breaker, now, settings)
    return msgspec.structs.replace(breaker, failures=failures)


def _opened(breaker: Breaker, now: float, settings: BreakerSettings) -> Breaker:
    open_s = min(settings.open_cap_s, settings.open_s * 2.0**breaker.trips)
    return Breaker(trips=breaker.trips + 1, until=now + open_s)


def rested(breaker: Breaker, until: float) -> Breaker:
    """Return the breaker of a deployment that asked to be left alone until then; the later moment counts.

    So does what another worker found out: it is as if this one had.
    """
    later = until if breaker.until is None else max(breaker.until, until)
    return msgspec.structs.replace(breaker, until=later, is_probed=False)


def recovered() -> Breaker:
    """Return the breaker of a deployment that another worker has seen answer again."""
    return Breaker()

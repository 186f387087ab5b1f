"""The breaker of one deployment: after enough failures in a row it is left alone for a while. Pure.

    closed --failures in a row--> open --its time is over--> half-open --its probe speaks--> closed, on trial
                                    ^------------------------- its probe fails ------'              |
                                    ^------------------------- the next failure --------------------'

On trial it is asked by all; the next failure opens it for twice as long, the next whole answer ends that.

Every change of these begins a new term. A call has its say only in the term in which it was let in: what it
finds out later says how the deployment was, not how it is; and it cannot speak for another one's probe.

Moments are seconds on the clock of whoever asks.
"""

from typing import Literal

import msgspec

from buttress.models.settings import BreakerSettings

State = Literal["closed", "open", "half_open"]
Effect = Literal["good", "ill", "neither"]
"""What a call says about its deployment; `neither` where it was the request's fault, or nobody waited."""

NEVER = float("-inf")


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a deployment.

    `failures` counts those in a row; `trips` how often it was opened in a row, without a success between.
    `until` is when a probe may go. One is under way until `probed_until`: if nothing is heard of it, another
    one may go then.
    """

    term: int = 0
    failures: int = 0
    trips: int = 0
    until: float | None = None
    probed_until: float = NEVER

    def state(self, now: float) -> State:
        """Return what it is at `now`."""
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def is_probed(self, now: float) -> bool:
        """Say whether a probe is under way."""
        return now < self.probed_until

    def admits(self, now: float) -> bool:
        """Say whether a call may go: any while closed, one at a time while half-open."""
        if self.until is None:
            return True
        return now >= self.until and now >= self.probed_until


def entered(breaker: Breaker, now: float, probe_s: float) -> Breaker:
    """Return the breaker when a call that it admits has gone, which is of its `term`.

    A probe has its place for `probe_s` seconds at most.
    """
    if breaker.until is None:
        return breaker
    return msgspec.structs.replace(breaker, term=breaker.term + 1, probed_until=now + probe_s)


def spoken(breaker: Breaker, term: int, settings: BreakerSettings) -> Breaker:
    """Return the breaker when a call of `term` has begun to be answered: a probe has found out enough."""
    if breaker.until is None or term != breaker.term:
        return breaker
    return Breaker(term=term + 1, failures=settings.failures - 1, trips=breaker.trips)


def after(breaker: Breaker, effect: Effect, term: int, now: float, settings: BreakerSettings) -> Breaker:
    """Return the breaker when a call of `term` has ended with `effect`."""
    if term != breaker.term:
        return breaker
    is_probe = breaker.until is not None
    match effect:
        case "neither":
            return msgspec.structs.replace(breaker, probed_until=NEVER) if is_probe else breaker
        case "good":
            return _well(breaker, is_probe=is_probe)
        case "ill" if is_probe or breaker.failures + 1 >= settings.failures:
            return _opened(breaker, now, settings)
        case "ill":
            return msgspec.structs.replace(breaker, failures=breaker.failures + 1)


def _well(breaker: Breaker, *, is_probe: bool) -> Breaker:
    if is_probe:
        return Breaker(term=breaker.term + 1)
    return Breaker(term=breaker.term) if breaker.failures or breaker.trips else breaker


def _opened(breaker: Breaker, now: float, settings: BreakerSettings) -> Breaker:
    open_s = min(settings.open_cap_s, settings.open_s * 2.0**breaker.trips)
    return Breaker(term=breaker.term + 1, trips=breaker.trips + 1, until=now + open_s)


def rested(breaker: Breaker, until: float) -> Breaker:
    """Return the breaker of a deployment that asked to be left alone until then; the later moment counts.

    So does what another worker found out: it is as if this one had.
    """
    later = until if breaker.until is None else max(breaker.until, until)
    return msgspec.structs.replace(breaker, term=breaker.term + 1, until=later, probed_until=NEVER)


def recovered(breaker: Breaker) -> Breaker:
    """Return the breaker of a deployment that another worker has seen answer again."""
    return Breaker(term=breaker.term + 1)

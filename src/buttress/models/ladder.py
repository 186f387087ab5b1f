"""A ladder of models: the first that begins to answer, answers.

Falling back is possible only before the first piece is released: what a stream released cannot be
taken back, so a failure after it is raised, and the caller says how the answer goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import count
from math import inf

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished
from buttress.models.attempts import Deadlines, LadderPorts, RunningAttempt
from buttress.models.decide import Failed, GiveUp, NextRung, Retry, after_failure
from buttress.models.deployments import Deployment
from buttress.models.errors import NoRungLeft, RungFailure, has_pause
from buttress.models.hedging import first_of
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Pace, Piece

AS_THE_SETTINGS_SAY = Pace()


AWAKE_S = 0.005
"""How long after a rest its model is asked: a timer may wake a little early, and it would still rest."""


class Begun(msgspec.Struct, frozen=True):
    """An attempt that has begun to answer: its first piece (None where it has none), and the rest."""

    attempt: RunningAttempt
    first: Piece | None
    rest: AsyncGenerator[Piece, None]

    async def aclose(self) -> None:
        """End it; nothing happens to one that came to its end."""
        await self.rest.aclose()


def stream_ladder(
    order: Order, rungs: Sequence[Rung], ports: LadderPorts, pace: Pace = AS_THE_SETTINGS_SAY
) -> AsyncGenerator[Piece | Finished, None]:
    """Answer `order` with the first of `rungs` that begins to; `Finished`, the last event, names the model.

    The only place that tries again. Close the generator (`contextlib.aclosing`) when leaving early: the
    upstream call ends with it, and the attempt is recorded as cancelled.

    Raises:
        NoRungLeft: every model failed before it said anything.
        ModelTimeout: the time for the first token, or for the whole answer, is over.
        ButtressError: a model failed after it had said something.
    """
    climb = Climb(order, rungs, ports, pace)
    if pace.hedge_after_ms:
        return _hedged(climb, pace.hedge_after_ms / 1000)
    return _spoken(climb, climb.begin)


async def _spoken(
    climb: "Climb", begin: Callable[[], Awaitable[Begun | None]]
) -> AsyncGenerator[Piece | Finished, None]:
    begun = await begin() or await climb.begin_again()
    try:
        if begun.first is not None:
            yield begun.first
            async for piece in begun.rest:
                yield piece
    finally:
        await begun.aclose()
    yield begun.attempt.finished


async def _hedged(climb: "Climb", after_s: float) -> AsyncGenerator[Piece | Finished, None]:
    async with first_of(climb.begin, after_s) as first:

        async def begin() -> Begun | None:
            return first

        async with aclosing(_spoken(climb, begin)) as events:
            async for event in events:
                yield event


class Climb:
    """The way down the rungs of one order; several may go it at once, each asks rungs of its own."""

    def __init__(self, order: Order, rungs: Sequence[Rung], ports: LadderPorts, pace: Pace) -> None:
        self._order = order
        self._rungs = rungs
        self._ports = ports
        self._left: Iterator[Rung] = iter(rungs)
        self._failures: dict[str, RungFailure] = {}
        self._asked: dict[str, Deployment] = {}  # held: a reload in the meantime must not lose them
        self._deadlines = _deadlines(pace, ports)

    async def begin(self) -> Begun | None:
        """Return the attempt at the first of the rungs left that begins to answer; None when none does.

        Raises:
            ButtressError: the time for the whole answer is over.
        """
        for rung in self._left:
            begun = await self._ask(rung)
            if begun:
                return begun
        return None

    async def begin_again(self) -> Begun:
        """Return the attempt at a rung that was left alone until now; waits for the first that may be asked.

        Raises:
            NoRungLeft: there is none, it would take too long, or they do not answer now either.
            ButtressError: the time for the whole answer is over.
        """
        clock, settings = self._ports.clock, self._ports.settings
        give_up_at = min(self._deadlines.speak_by, clock.monotonic() + settings.rest_wait_cap_s)
        while (soonest := self._soonest()) and clock.monotonic() + soonest.rests_s <= give_up_at:
            await asyncio.sleep(soonest.rests_s + AWAKE_S)
            begun = await self._ask(soonest.rung)
            if begun:
                return begun
        failures = tuple(self._failures.values())
        raise NoRungLeft(failures, soonest.rests_s if soonest else None) from (
            failures[-1].error if failures else None
        )

    def _soonest(self) -> "_Resting | None":
        """Return the rung that may be asked first, of those that were left alone, or asked for it."""
        resting = [
            _Resting(rung, self._asked[rung.model.name].rests_s)
            for rung in self._rungs
            if (failure := self._failures.get(rung.model.name)) and has_pause(failure.error)
        ]
        return min(resting, key=lambda one: one.rests_s, default=None)

    async def _ask(self, rung: Rung) -> Begun | None:
        for tries in count(1):
            attempt = RunningAttempt(rung, self._order, self._ports, self._deadlines)
            pieces = attempt.pieces()
            try:
                return Begun(attempt, await anext(pieces, None), pieces)
            except ButtressError as error:
                self._asked[rung.model.name] = attempt.deployment
                if not await self._is_to_be_asked_again(error, tries):
                    self._failures[rung.model.name] = RungFailure(rung.model.name, error)
                    break
        return None

    async def _is_to_be_asked_again(self, error: ButtressError, tries: int) -> bool:
        """Say whether the same model is to be asked again, after the wait before that; False: the next one.

        Raises:
            ButtressError: `error`, when nobody is to be asked any more.
        """
        ports = self._ports
        remaining_s = self._deadlines.speak_by - ports.clock.monotonic()
        failed = Failed(error=error, tries=tries, remaining_s=remaining_s, chance=ports.chance.fraction())
        match after_failure(failed, ports.settings):
            case Retry(delay_s):
                await asyncio.sleep(delay_s + AWAKE_S if has_pause(error) else delay_s)
                return True
            case NextRung():
                return False
            case GiveUp():
                raise error


def _deadlines(pace: Pace, ports: LadderPorts) -> Deadlines:
    now, total_s = ports.clock.monotonic(), ports.settings.total_timeout_s
    return Deadlines(
        began=now,
        first_token_at=inf if pace.first_token_ms is None else now + pace.first_token_ms / 1000,
        whole_at=now + (total_s if pace.total_ms is None else min(total_s, pace.total_ms / 1000)),
    )


class _Resting(msgspec.Struct, frozen=True):
    rung: Rung
    rests_s: float

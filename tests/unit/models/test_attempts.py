"""One attempt, on a clock turned by hand."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import product

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import SeededChance
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.attempts import Deadlines, LadderPorts, RunningAttempt
from buttress.models.deployments import Deployments
from buttress.models.dialects.types import Body, Seen
from buttress.models.errors import ModelTimeout, RateLimited, StreamCut
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.settings import ModelSettings
from buttress.models.streaming import UNSENT, Happening, Standing, after
from buttress.models.types import Attempt, Bill, Frame, Piece
from buttress.testing.clock import NOON, ManualClock

MODEL = Model(name="m", provider="slow")
DEADLINES = Deadlines(began=0.0, first_token_at=100.0, whole_at=100.0)
REQUEST = ModelRequest(messages=(), max_tokens=5)


class Open:
    """Egress and meter that let everything through; a token costs a nano-dollar."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []

    async def allow(self, model: Model, order: Order) -> None:
        return

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
        bill = Bill()
        self.bills.append(bill)
        try:
            yield bill
        finally:
            bill.cost = None if bill.usage is None else NanoDollars(bill.usage.total)


class Slow:
    """A provider that takes a second before each event of `texts`, and fails when it is told to."""

    def __init__(self, clock: ManualClock, *texts: str, refuses: bool = False) -> None:
        self._clock = clock
        self._texts = texts
        self._refuses = refuses

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        for text in self._texts:
            self._clock.advance(1)
            yield TextDelta(text)
        if self._refuses:
            raise RateLimited("busy")
        self._clock.advance(1)
        yield Finished(reason="stop", usage=Usage(output=4), model="m")

    def pass_on(self, body: Body) -> None:
        return None


def ports_of(clock: ManualClock, recorded: list[Attempt], meter: Open) -> LadderPorts:
    return LadderPorts(
        egress=Open(),
        meter=meter,
        clock=clock,
        chance=SeededChance(1),
        deployments=Deployments(ModelSettings(), clock),
        record=recorded.append,
        settings=ModelSettings(),
    )


def running(
    *texts: str, refuses: bool = False, meter: Open | None = None
) -> tuple[RunningAttempt, list[Attempt], ManualClock]:
    clock, recorded = ManualClock(), list[Attempt]()
    ports = ports_of(clock, recorded, meter or Open())
    rung = Rung(MODEL, Slow(clock, *texts, refuses=refuses))
    clock.advance(10)
    return RunningAttempt(rung, Order(REQUEST), ports, DEADLINES), recorded, clock


async def test_its_times_are_those_of_the_clock() -> None:
    attempt, recorded, _ = running("Hel", "lo")
    assert [text async for text in attempt.pieces()] == [TextDelta("Hel"), TextDelta("lo")]
    assert recorded == [
        Attempt(
            model="m",
            provider="slow",
            started_at=NOON + timedelta(seconds=10),
            first_token_ms=1_000.0,
            duration_ms=3_000.0,
            usage=Usage(output=4),
            cost=NanoDollars(4),
            outcome="answered",
            error_code=None,
        )
    ]
    assert attempt.finished.reason == "stop"


async def test_what_was_refused_used_nothing() -> None:
    attempt, recorded, _ = running(refuses=True)
    with pytest.raises(RateLimited):
        await anext(attempt.pieces())
    assert not attempt.has_spoken
    assert (recorded[0].usage, recorded[0].cost, recorded[0].first_token_ms) == (Usage(), 0, None)
    assert (recorded[0].outcome, recorded[0].error_code) == ("failed", "models.rate_limited")


async def test_the_meter_is_told_that_a_refusal_is_free() -> None:
    """So that it costs nothing, also where nobody knows the price."""
    meter = Open()
    attempt, _, _ = running(refuses=True, meter=meter)
    with pytest.raises(RateLimited):
        await anext(attempt.pieces())
    assert [bill.is_free for bill in meter.bills] == [True]


async def test_before_its_end_there_is_no_last_event() -> None:
    attempt, _, _ = running("Hello")
    assert not attempt.has_spoken
    with pytest.raises(StreamCut):
        _ = attempt.finished


async def test_one_that_is_left_while_it_speaks_is_recorded_once_and_paid_for() -> None:
    attempt, recorded, _ = running("Hello", "again")
    pieces = attempt.pieces()
    assert await anext(pieces) == TextDelta("Hello")
    await pieces.aclose()
    await pieces.aclose()
    assert [(one.outcome, one.usage, one.is_estimated) for one in recorded] == [
        ("cancelled", Usage(output=2), True)
    ]


async def test_a_refusal_in_the_middle_of_an_answer_is_not_free() -> None:
    """The model has worked: what came is paid for, whatever the error is called."""
    attempt, recorded, _ = running("Hello", refuses=True)
    with pytest.raises(RateLimited):
        async for _ in attempt.pieces():
            pass
    assert [(one.outcome, one.usage, one.is_estimated) for one in recorded] == [
        ("cut", Usage(output=2), True)
    ]


FINISHED = Finished(reason="stop", usage=Usage(input=99, output=4), model="m")
FRAMES = {
    "quiet": Frame(b":", Seen()),
    "said": Frame(b"Hello", Seen(has_content=True, characters=5)),
    "finished": Frame(b"!", Seen(finished=FINISHED)),
}
FAULTS: dict[str, type[BaseException]] = {
    "refused": RateLimited,
    "fault": StreamCut,
    "late": ModelTimeout,
    "gone": asyncio.CancelledError,
}


class Told:
    """A provider that gives the frames of one order of events, whatever sense they make."""

    def __init__(self, happenings: Sequence[str]) -> None:
        self._happenings = happenings

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        raise NotImplementedError

    async def pass_on(self, body: Body) -> AsyncGenerator[Frame, None]:
        for name in self._happenings:
            if name in FAULTS:
                raise FAULTS[name]("as told")
            yield FRAMES[name]


def expected(happenings: Sequence[str]) -> Standing:
    """Return how the table says that it ends; a provider that stops without an end is cut."""
    standing = after(UNSENT, "sent")
    for happening in (*happenings, "fault"):
        standing = after(standing, msgspec.convert(happening, Happening))
    return standing


@pytest.mark.parametrize("length", [pytest.param(length, id=f"of {length}") for length in range(5)])
async def test_every_order_of_frames_ends_as_the_table_says(length: int) -> None:
    for happenings in product([*FRAMES, *FAULTS], repeat=length):
        clock, recorded, meter, seen = ManualClock(), list[Attempt](), Open(), list[Piece]()
        rung, order = Rung(MODEL, Told(happenings)), Order(Body(dialect="chat", model="m", fields={}))
        attempt = RunningAttempt(rung, order, ports_of(clock, recorded, meter), DEADLINES)
        with suppress(ButtressError, asyncio.CancelledError):
            async for piece in attempt.pieces():
                seen.append(piece)
        standing = expected(happenings)
        (one,), (bill,) = recorded, meter.bills
        assert one.outcome == standing.state, happenings
        assert bool(seen) == attempt.has_spoken == (one.first_token_ms is not None)
        assert bool(seen) or one.outcome in ("failed", "cancelled")
        assert (one.outcome == "failed") <= (not seen)
        assert bill.is_free == (standing.paid == "free")
        assert (one.usage == FINISHED.usage) == (standing.paid == "told")
        assert one.is_estimated == (standing.paid == "estimated")
        assert seen == [FRAMES[name] for name in happenings[: len(seen)]]  # in order, nothing left out

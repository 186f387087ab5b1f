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
from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.attempts import Deadlines, LadderPorts, RunningAttempt
from buttress.models.deployments import Deployments
from buttress.models.dialects.types import Body, Seen, Tally
from buttress.models.errors import BadAnswer, ModelTimeout, RateLimited, StreamCut
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.settings import BreakerSettings, ModelSettings
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


class Counts:
    """A provider that counts as it goes, and breaks; in its own words, or in the upstream's."""

    def __init__(self, *steps: str | Usage) -> None:
        self._steps = steps

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        for step in self._steps:
            yield TextDelta(step) if isinstance(step, str) else Tally(step)
        raise StreamCut("cut")

    async def pass_on(self, body: Body) -> AsyncGenerator[Frame, None]:
        for step in self._steps:
            if isinstance(step, str):
                yield Frame(b"x", Seen(has_content=True, characters=len(step)))
            else:
                yield Frame(b"x", Seen(tally=step))
        raise StreamCut("cut")


BEGUN, LATER = Usage(input=7, cache_read=3, output=1), Usage(input=7, cache_read=3, output=9)
ASKED = ModelRequest(messages=(Message("user", "one two three four"),), max_tokens=5)
BODY = Body(
    dialect="messages", model="m", fields={"messages": msgspec.Raw(b'[{"content": "one two three four"}]')}
)


class Words:
    """A counter of words."""

    def count(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize("asked", [pytest.param(ASKED, id="ours"), pytest.param(BODY, id="passed on")])
@pytest.mark.parametrize(
    ("steps", "usage"),
    [
        pytest.param(["abcdef"], Usage(input=4, output=2), id="nobody counted: all is estimated"),
        pytest.param(
            [BEGUN, "abcdef"], Usage(input=7, cache_read=3, output=3), id="counted at the beginning"
        ),
        pytest.param([BEGUN, "abcdef", LATER], LATER, id="counted last: nothing is estimated"),
        pytest.param(
            [BEGUN, "abcdef", LATER, "abc"], Usage(input=7, cache_read=3, output=10), id="counted between"
        ),
        pytest.param([BEGUN], BEGUN, id="counted before it said anything"),
    ],
)
async def test_a_broken_answer_costs_what_the_upstream_counted_and_what_it_said_after_that(
    asked: ModelRequest | Body, steps: list[str | Usage], usage: Usage
) -> None:
    recorded, clock = list[Attempt](), ManualClock()
    ports = msgspec.structs.replace(ports_of(clock, recorded, Open()), counter=lambda _: Words())
    attempt = RunningAttempt(Rung(MODEL, Counts(*steps)), Order(asked), ports, DEADLINES)
    pieces = list[Piece]()
    with suppress(StreamCut):
        async for piece in attempt.pieces():
            pieces.append(piece)
    assert not any(isinstance(piece, Tally) for piece in pieces)
    assert [(one.usage, one.is_estimated) for one in recorded] == [(usage, True)]


async def test_a_probe_lets_others_in_when_it_speaks_and_its_break_still_counts() -> None:
    clock, recorded = ManualClock(), list[Attempt]()
    settings = ModelSettings(breaker=BreakerSettings(failures=1, open_s=2))
    ports = msgspec.structs.replace(
        ports_of(clock, recorded, Open()), deployments=Deployments(settings, clock), settings=settings
    )
    one = ports.deployments.of(MODEL)
    one.leave(await one.enter(1), StreamCut("cut"))
    clock.advance(2)
    pieces = RunningAttempt(Rung(MODEL, Counts("Hello")), Order(ASKED), ports, DEADLINES).pieces()
    await anext(pieces)
    assert one.rests_s == 0
    with pytest.raises(StreamCut):
        await anext(pieces)
    assert one.rests_s == 4


async def test_what_is_held_back_until_something_is_said_has_bounds() -> None:
    recorded, clock = list[Attempt](), ManualClock()

    class Pings(Told):
        async def pass_on(self, body: Body) -> AsyncGenerator[Frame, None]:
            while True:
                yield Frame(b":" * 1_000, Seen())

    attempt = RunningAttempt(
        Rung(MODEL, Pings(())), Order(BODY), ports_of(clock, recorded, Open()), DEADLINES
    )
    with pytest.raises(BadAnswer, match="1,048,576 bytes and had said nothing"):
        await anext(attempt.pieces())
    assert [one.outcome for one in recorded] == ["failed"]


async def test_explicit_zero_usage_stays_zero() -> None:
    """None is not 0: what an upstream says is not replaced by an estimate."""
    recorded, clock = list[Attempt](), ManualClock()
    end = Finished(reason="stop", usage=Usage(), model="m")
    frames = {"said": FRAMES["said"], "end": Frame(b"!", Seen(finished=end))}

    class Free(Told):
        async def pass_on(self, body: Body) -> AsyncGenerator[Frame, None]:
            for frame in frames.values():
                yield frame

    attempt = RunningAttempt(Rung(MODEL, Free(())), Order(BODY), ports_of(clock, recorded, Open()), DEADLINES)
    assert len([piece async for piece in attempt.pieces()]) == 2
    assert [(one.usage, one.is_estimated, one.cost) for one in recorded] == [(Usage(), False, 0)]


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

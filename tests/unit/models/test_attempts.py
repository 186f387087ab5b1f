"""One attempt, on a clock turned by hand."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import SeededChance
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.attempts import LadderPorts, RunningAttempt
from buttress.models.errors import RateLimited, StreamCut
from buttress.models.ports import Rung
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt, Bill
from buttress.testing.clock import NOON, ManualClock

MODEL = Model(name="m", provider="slow")
REQUEST = ModelRequest(messages=(), max_tokens=5)


class Open:
    """Egress and meter that let everything through; a token costs a nano-dollar."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []

    async def allow(self, model: Model, request: ModelRequest) -> None:
        return

    @asynccontextmanager
    async def attempt(self, model: Model, request: ModelRequest) -> AsyncIterator[Bill]:
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


def running(
    *texts: str, refuses: bool = False, meter: Open | None = None
) -> tuple[RunningAttempt, list[Attempt], ManualClock]:
    clock, recorded = ManualClock(), list[Attempt]()
    ports = LadderPorts(
        egress=Open(),
        meter=meter or Open(),
        clock=clock,
        chance=SeededChance(1),
        record=recorded.append,
        settings=ModelSettings(),
    )
    rung = Rung(MODEL, Slow(clock, *texts, refuses=refuses))
    clock.advance(10)
    return RunningAttempt(rung, REQUEST, ports, deadline=100.0), recorded, clock


async def test_its_times_are_those_of_the_clock() -> None:
    attempt, recorded, _ = running("Hel", "lo")
    with attempt:
        assert [text async for text in attempt.texts()] == [TextDelta("Hel"), TextDelta("lo")]
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
    with pytest.raises(RateLimited), attempt:
        await anext(attempt.texts())
    assert not attempt.has_spoken
    assert (recorded[0].usage, recorded[0].cost, recorded[0].first_token_ms) == (Usage(), 0, None)
    assert (recorded[0].outcome, recorded[0].error_code) == ("failed", "models.rate_limited")


async def test_the_meter_is_told_that_a_refusal_is_free() -> None:
    """So that it costs nothing, also where nobody knows the price."""
    meter = Open()
    attempt, _, _ = running(refuses=True, meter=meter)
    with pytest.raises(RateLimited), attempt:
        await anext(attempt.texts())
    assert [bill.is_free for bill in meter.bills] == [True]


async def test_before_its_end_there_is_no_last_event() -> None:
    attempt, _, _ = running("Hello")
    with attempt:
        assert not attempt.has_spoken
        with pytest.raises(StreamCut):
            _ = attempt.finished


async def test_an_attempt_that_was_never_sent_is_recorded_once_and_cost_nothing() -> None:
    attempt, recorded, clock = running("Hello")
    with attempt:
        clock.advance(2)
    assert [(one.duration_ms, one.usage, one.cost) for one in recorded] == [(2_000.0, Usage(), 0)]

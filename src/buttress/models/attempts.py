"""One attempt, from leave to send to the settled bill: timed, bounded, and recorded however it ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Delta, Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.decide import usage_of_failure
from buttress.models.errors import ModelTimeout, StreamCut
from buttress.models.ports import Egress, Meter, Rung
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt, Bill, Outcome


class LadderPorts(msgspec.Struct, frozen=True, kw_only=True):
    """What a ladder needs from the world. `record` takes each attempt as it ends, also a cancelled one."""

    egress: Egress
    meter: Meter
    clock: Clock
    chance: Chance
    record: Callable[[Attempt], None]
    settings: ModelSettings


class RunningAttempt:
    """An attempt under way; a context manager that records it on every way out.

    `deadline` is the moment, on the monotonic clock, when the whole answer must be there.
    """

    def __init__(self, rung: Rung, request: ModelRequest, ports: LadderPorts, *, deadline: float) -> None:
        self._rung = rung
        self._request = request
        self._ports = ports
        self._deadline = deadline
        self._bill = Bill(usage=Usage(), cost=NanoDollars(0))  # so far nothing was sent
        self._started_at = ports.clock.now()
        self._started = ports.clock.monotonic()
        self._first_token_ms: float | None = None
        self._finished: Finished | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        model = self._rung.model
        self._ports.record(
            Attempt(
                model=model.name,
                provider=model.provider,
                started_at=self._started_at,
                first_token_ms=self._first_token_ms,
                duration_ms=self._elapsed_ms(),
                usage=self._bill.usage,
                cost=self._bill.cost,
                outcome=self._outcome(error),
                error_code=_code(error),
            )
        )

    @property
    def has_spoken(self) -> bool:
        """Whether any text was released."""
        return self._first_token_ms is not None

    @property
    def finished(self) -> Finished:
        """The last event of the answer; only when `texts` came to its end."""
        if self._finished is None:
            raise StreamCut(f"the answer of {self._rung.model.name} stopped without its end")
        return self._finished

    async def texts(self) -> AsyncGenerator[Delta, None]:
        """Give the text of the model's answer; when it ends, the answer is whole and paid for.

        Raises:
            ButtressError: it may not be sent, cannot be paid for, or failed; see models.errors.
        """
        model, request = self._rung.model, self._request
        await self._ports.egress.allow(model, request)
        async with self._ports.meter.attempt(model, request) as bill:
            self._bill = bill
            with _NotingFailure(bill):
                async with aclosing(self._rung.provider.stream(request)) as stream:
                    while not isinstance(event := await self._next(stream), Finished):
                        self._hear(event)
                        yield event
                    bill.usage = event.usage
        self._finished = event

    def _hear(self, event: Delta) -> None:
        if isinstance(event, TextDelta):
            self._bill.output_characters += len(event.text)
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()

    async def _next(self, stream: AsyncIterator[ModelEvent]) -> ModelEvent:
        """Wait for the next event, as long as the settings allow."""
        settings = self._ports.settings
        remaining_s = self._deadline - self._ports.clock.monotonic()
        step_s = settings.idle_timeout_s if self.has_spoken else settings.first_token_timeout_s
        try:
            async with asyncio.timeout(min(step_s, max(0.0, remaining_s))):
                event = await anext(stream, None)
        except TimeoutError as error:
            raise self._timeout(step_s, is_total=remaining_s < step_s) from error
        if event is None:
            raise StreamCut(f"the answer of {self._rung.model.name} stopped without its end")
        return event

    def _timeout(self, step_s: float, *, is_total: bool) -> ModelTimeout:
        name, settings = self._rung.model.name, self._ports.settings
        if is_total:
            return ModelTimeout(
                f"{name} was not done within the {settings.total_timeout_s:g} s of a whole answer",
                data={"waited_for": "total"},
            )
        waited_for = "next token" if self.has_spoken else "first token"
        return ModelTimeout(
            f"{name} gave no {waited_for} within {step_s:g} s",
            data={"waited_for": waited_for.replace(" ", "_")},
        )

    def _elapsed_ms(self) -> float:
        return round((self._ports.clock.monotonic() - self._started) * 1000, 3)

    def _outcome(self, error: BaseException | None) -> Outcome:
        if error is None:
            return "answered"
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            return "cancelled"
        return "cut" if self.has_spoken else "failed"


class _NotingFailure:
    """Puts what a failed attempt used on its bill, before the meter settles it."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._bill.usage = usage_of_failure(error)
            self._bill.is_free = self._bill.usage is not None


def _code(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return error.code if isinstance(error, ButtressError) else type(error).__name__

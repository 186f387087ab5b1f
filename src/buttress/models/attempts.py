"""One attempt, from leave to send to the settled bill: timed, bounded, and recorded however it ends."""

from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Delta, Finished, ModelEvent, ToolCallDelta
from buttress.kernel.tokens import EstimatedTokens, TokenCounter
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.decide import continued_usage, estimated_usage
from buttress.models.deployments import Deployments, Turn
from buttress.models.dialects.types import Tally
from buttress.models.errors import BadAnswer, ModelBusy, ModelTimeout, StreamCut
from buttress.models.order import Order
from buttress.models.patience import Patience
from buttress.models.ports import Egress, Meter, Rung
from buttress.models.settings import ModelSettings
from buttress.models.streaming import SPEAKING, UNSENT, WAITING, Happening, after, happening_of, outcome_of
from buttress.models.types import Attempt, Bill, Frame, Piece


def estimated(_model: Model) -> TokenCounter:
    """Return the counter of a model whose tokenizer is not at hand."""
    return EstimatedTokens()


class LadderPorts(msgspec.Struct, frozen=True, kw_only=True):
    """What a ladder needs from the world. `record` takes each attempt as it ends, also a cancelled one.

    `counter` gives what counts for a model and is at hand: it is asked in the middle of cancellations, and
    must not wait.
    """

    egress: Egress
    meter: Meter
    clock: Clock
    chance: Chance
    deployments: Deployments
    record: Callable[[Attempt], None]
    settings: ModelSettings
    counter: Callable[[Model], TokenCounter] = estimated


class Deadlines(msgspec.Struct, frozen=True):
    """When a call, all its attempts together, must have said something, and all; on the monotonic clock."""

    began: float
    first_token_at: float
    whole_at: float

    @property
    def speak_by(self) -> float:
        """The moment after which it is of no use to ask anybody any more."""
        return min(self.first_token_at, self.whole_at)


class RunningAttempt:
    """An attempt under way. How it stands is a value of `models.streaming`, and moves by its table alone."""

    def __init__(self, rung: Rung, order: Order, ports: LadderPorts, deadlines: Deadlines) -> None:
        self._rung = rung
        self._order = order
        self._ports = ports
        self._deadlines = deadlines
        self.deployment = ports.deployments.of(rung.model)
        self._standing = UNSENT
        self._bill = Bill(usage=Usage(), cost=NanoDollars(0))  # so far nothing was sent
        self._held: list[Frame] = []
        self._held_bytes = 0
        self._started_at = ports.clock.now()
        self._started = ports.clock.monotonic()
        self._turn: Turn | None = None  # of the deployment, while inside
        self._queued_ms = 0.0
        self._first_token_by = deadlines.speak_by
        self._first_token_ms: float | None = None
        self._finished: Finished | None = None
        self._tally: Usage | None = None
        self._tallied_characters = 0
        self._patience = Patience()

    @property
    def has_spoken(self) -> bool:
        """Whether anything was released."""
        return self._first_token_ms is not None

    @property
    def finished(self) -> Finished:
        """The last event of the answer; only when `pieces` came to its end."""
        if self._finished is None:
            raise StreamCut(f"the answer of {self._rung.model.name} stopped without its end")
        return self._finished

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Give the model's answer; when it ends, the answer is whole, paid for and recorded. Once only.

        What a client's dialect says before the model says anything is held back until it does: nothing has
        gone out then, and another model can still be asked.

        Raises:
            ButtressError: it may not be sent, cannot be paid for, or failed; see models.errors.
        """
        ports, fault = self._ports, None
        try:
            await ports.egress.allow(self._rung.model, self._order)
            stream = self._stream()
            await self._enter()
            async with ports.meter.attempt(self._rung.model, self._order) as self._bill:
                self._begin()
                try:
                    while self._finished is None:
                        for piece in self._hear(await self._next(stream)):
                            yield piece
                except BaseException as error:
                    self._happens(happening_of(error))
                    raise
                finally:
                    try:
                        self._settle()
                    finally:
                        await stream.aclose()
        except BaseException as error:
            fault = error
            self._happens(happening_of(error))
            raise
        finally:
            self._end(fault)

    def _stream(self) -> AsyncGenerator[ModelEvent | Tally | Frame, None]:
        """Ask in the client's own words where the model understands them, else in ours."""
        body, provider = self._order.body, self._rung.provider
        passed = provider.pass_on(body) if body else None
        return passed if passed is not None else provider.stream(self._order.request)

    async def _enter(self) -> None:
        remaining_s = self._deadlines.speak_by - self._ports.clock.monotonic()
        if remaining_s <= 0:
            raise self._timeout()
        try:
            self._turn = await self.deployment.enter(remaining_s)
        except ModelBusy:
            self._queued_ms = self._elapsed_ms()
            raise
        self._queued_ms = round(self._turn.waited_s * 1000, 3)

    def _begin(self) -> None:
        self._happens("sent")
        first_token_s = self._ports.settings.first_token_timeout_s
        self._first_token_by = self._ports.clock.monotonic() + first_token_s

    def _happens(self, happening: Happening) -> None:
        self._standing = after(self._standing, happening)

    def _hear(self, event: ModelEvent | Tally | Frame) -> Sequence[Piece]:
        """Return what an event releases."""
        if isinstance(event, Frame):
            return self._hear_frame(event)
        if isinstance(event, Tally):
            self._count(event.usage)
            return ()
        if isinstance(event, Finished):
            self._finish(event)
            return ()
        self._say(len(_said(event)))
        return (event,)

    def _hear_frame(self, frame: Frame) -> Sequence[Frame]:
        seen = frame.seen
        if seen.has_content or seen.finished:
            self._say(seen.characters)
        if seen.tally:
            self._count(seen.tally)
        if seen.finished:
            self._finish(seen.finished)
        if self._standing is WAITING:
            self._hold(frame)
            return ()
        if not self._held:
            return (frame,)
        released = (*self._held, frame)
        self._held.clear()
        return released

    def _hold(self, frame: Frame) -> None:
        self._held.append(frame)
        self._held_bytes += len(frame.data)
        most = self._ports.settings.max_event_bytes
        if self._held_bytes > most:
            raise BadAnswer(f"{self._rung.model.name} sent {most:,} bytes and had said nothing yet")

    def _say(self, characters: int) -> None:
        if self._standing is not SPEAKING:  # each event of a stream comes here; the table would say the same
            self._happens("said")
        self._bill.output_characters += characters
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()
            if self._turn:
                self._turn = self.deployment.heard(self._turn, self._first_token_ms - self._queued_ms)

    def _count(self, usage: Usage) -> None:
        """Take notice of what the upstream counted of all that was said so far."""
        self._tally, self._tallied_characters = usage, self._bill.output_characters

    def _finish(self, finished: Finished) -> None:
        self._happens("finished")
        self._finished = finished

    def _settle(self) -> None:
        """Put on the bill what was used, before the meter settles it."""
        bill = self._bill
        if self._standing.paid == "free":
            bill.usage, bill.is_free = Usage(), True
            return
        bill.usage = self._finished.usage if self._finished else None
        if bill.usage is None:
            bill.usage, bill.is_estimated = self._estimate(bill.output_characters), True

    def _estimate(self, said_characters: int) -> Usage:
        """Return about what was used: the upstream's last count, if there is one, and what came after it."""
        if self._tally is not None:
            return continued_usage(self._tally, said_characters - self._tallied_characters)
        asked = self._order.tokens(self._ports.counter(self._rung.model))
        return estimated_usage(asked, said_characters)

    def _end(self, fault: BaseException | None) -> None:
        """Leave the deployment, and record the attempt."""
        self._patience.end()
        if self._turn:
            self.deployment.leave(self._turn, fault)
        model, bill = self._rung.model, self._bill
        self._ports.record(
            Attempt(
                model=model.name,
                provider=model.provider,
                started_at=self._started_at,
                first_token_ms=self._first_token_ms,
                duration_ms=self._elapsed_ms(),
                queued_ms=self._queued_ms,
                usage=bill.usage,
                cost=bill.cost,
                is_estimated=bill.is_estimated,
                outcome=outcome_of(self._standing),
                error_code=_code(fault),
            )
        )

    async def _next(
        self, stream: AsyncGenerator[ModelEvent | Tally | Frame, None]
    ) -> ModelEvent | Tally | Frame:
        """Wait for the next event, as long as the settings and the call allow."""
        now, deadlines = self._ports.clock.monotonic(), self._deadlines
        if self._standing is WAITING:
            until = min(self._first_token_by, deadlines.speak_by)
        else:
            until = min(now + self._ports.settings.idle_timeout_s, deadlines.whole_at)
        try:
            return await self._patience.wait(anext(stream), until - now)
        except TimeoutError as error:
            raise self._timeout(until) from error
        except StopAsyncIteration:
            raise StreamCut(f"the answer of {self._rung.model.name} stopped without its end") from None

    def _timeout(self, until: float | None = None) -> ModelTimeout:
        """Return the error of what was waited for until then; None: until the call had no time left."""
        name, settings, deadlines = self._rung.model.name, self._ports.settings, self._deadlines
        until = deadlines.speak_by if until is None else until
        if until == deadlines.whole_at:
            limit_s, waited_for = deadlines.whole_at - deadlines.began, "total"
            told = f"{name} was not done within the {limit_s:.3g} s of a whole answer"
        elif until == deadlines.first_token_at and self._standing is not SPEAKING:
            limit_s, waited_for = deadlines.first_token_at - deadlines.began, "first_token_of_call"
            told = f"{name} had said nothing when the {limit_s:.3g} s for a first token were over"
        elif self._standing is SPEAKING:
            waited_for, told = "next_token", f"{name} gave no next token within {settings.idle_timeout_s:g} s"
        else:
            limit_s, waited_for = settings.first_token_timeout_s, "first_token"
            told = f"{name} gave no first token within {limit_s:g} s"
        return ModelTimeout(told, data={"waited_for": waited_for})

    def _elapsed_ms(self) -> float:
        return round((self._ports.clock.monotonic() - self._started) * 1000, 3)


def _said(event: Delta) -> str:
    """Return the text of a piece, of whichever kind."""
    return event.arguments + event.name if isinstance(event, ToolCallDelta) else event.text


def _code(error: BaseException | None) -> str | None:
    """Return the code of what ended an attempt: none where somebody left; what is not of ours is a bug."""
    if error is None or happening_of(error) == "gone":
        return None
    return error.code if isinstance(error, ButtressError) else f"bug.{type(error).__name__}"

"""What climbs ladders in tests: providers that do as told, doors that note who comes, the ports of both."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models import errors
from buttress.models.attempts import LadderPorts
from buttress.models.deployments import Deployments
from buttress.models.dialects.types import Body
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.providers.http import HttpParts, HttpProvider
from buttress.models.providers.openai import OPENAI
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt, Bill, Piece
from buttress.outbound.sessions import Sessions

REQUEST = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10)
USED = Usage(input=5, output=2)


def over_http(model: Model, sessions: Sessions, settings: ModelSettings) -> HttpProvider:
    """Return the real provider of `model`."""
    parts = HttpParts(sessions=sessions, settings=settings, resolve_secret=str, clock=SystemClock())
    return HttpProvider(model, OPENAI, parts)


Step = str | float | ButtressError


class Acted:
    """A provider that plays scripts, one each time it is asked: says texts, waits seconds, raises errors."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self._scripts = list(scripts)
        self.asked = 0
        self.running = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        script = self._scripts[min(self.asked, len(self._scripts) - 1)]
        self.asked += 1
        self.running += 1
        try:
            for step in script:
                if isinstance(step, ButtressError):
                    raise step
                if isinstance(step, str):
                    yield TextDelta(step)
                else:
                    await asyncio.sleep(step)
            yield Finished(reason="stop", usage=USED, model="acted")
        finally:
            self.running -= 1

    def pass_on(self, body: Body) -> None:
        return None


class Unending:
    """A provider that breaks its promise: it stops without `Finished`."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta("half")

    def pass_on(self, body: Body) -> None:
        return None


class PolicyForbids(ButtressError):
    """A refusal of another room."""

    code = "privacy.forbidden"
    hint = "Ask a local model."


class BudgetGone(ButtressError):
    """A refusal of another room."""

    code = "spend.exhausted"
    hint = "Wait."


class Doors:
    """Egress and meter that note what they are asked; models named `secret` or `dear` are refused."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.open = 0

    async def allow(self, model: Model, order: Order) -> None:
        if model.name == "secret":
            raise PolicyForbids("not to this one")

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
        if model.name == "dear":
            raise BudgetGone("no money")
        bill = Bill()
        self.open += 1
        try:
            yield bill
        finally:
            self.open -= 1
            bill.cost = None if bill.usage is None else NanoDollars(bill.usage.total)
            self.bills.append(bill)


class House(msgspec.Struct, kw_only=True):
    """A ladder's ports, and what they noted."""

    doors: Doors
    attempts: list[Attempt]
    ports: LadderPorts

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        return [(one.model, one.outcome, one.error_code) for one in self.attempts]


def make_house(**changed: float) -> House:
    """Return the ports of a ladder with short limits, but for what is `changed`."""
    doors, attempts = Doors(), list[Attempt]()
    settings = msgspec.convert(
        {
            "backoff_base_s": 0.001,
            "first_token_timeout_s": 5.0,
            "idle_timeout_s": 5.0,
            "total_timeout_s": 10.0,
            **changed,
        },
        ModelSettings,
    )
    ports = LadderPorts(
        egress=doors,
        meter=doors,
        clock=SystemClock(),
        chance=SeededChance(1),
        deployments=Deployments(settings, SystemClock()),
        record=attempts.append,
        settings=settings,
    )
    return House(doors=doors, attempts=attempts, ports=ports)


def rung(name: str, provider: Acted | Unending) -> Rung:
    """Return a rung of that name."""
    return Rung(Model(name=name, provider="acted"), provider)


async def climb(house: House, *rungs: Rung) -> list[Piece | Finished]:
    """Return all that a call hears."""
    async with aclosing(stream_ladder(Order(REQUEST), rungs, house.ports)) as events:
        return [event async for event in events]


def down() -> errors.ModelUnavailable:
    """Return what a model says that is down."""
    return errors.ModelUnavailable("down")

"""A model on this machine, served by a process beside us in OpenAI's format; see `models.local_server`."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager

import msgspec
from msgspec.structs import replace

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.models.dialects.types import Body, Tally
from buttress.models.errors import LocalModelAway, ModelBusy, ModelUnavailable
from buttress.models.ports import LocalServer
from buttress.models.providers.http import HttpParts, HttpProvider
from buttress.models.providers.openai import OPENAI
from buttress.models.settings import LocalSettings
from buttress.models.types import Frame


def _headers(secret: str) -> Mapping[str, str]:
    """Return OpenAI's headers; no connection is kept: the server closes it after a stream without a word."""
    return {**OPENAI.headers(secret), "Connection": "close"}


_WIRE = replace(OPENAI, headers=_headers)


class Gate:
    """Lets as many requests of this process to the local model as it may have; the others hear it at once.

    So do those whose turn, going by the last answer that began at once, would not come before they give up.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self._parallel = settings.parallel
        self._places = settings.parallel + settings.queue_length
        self._answer_s = 0.0
        self.taken = 0

    @contextmanager
    def place(self, name: str, clock: Clock, may_wait_s: float) -> Iterator[None]:
        """Have a place for the length of the block, which gives up when nothing came within `may_wait_s`.

        Raises:
            ModelBusy: all are taken, or it would be waited for in vain.
        """
        answers_before = self.taken // self._parallel
        if self.taken >= self._places or answers_before * self._answer_s >= may_wait_s:
            raise ModelBusy(f"{self.taken} requests of this process wait for {name} already")
        self.taken += 1
        began = clock.monotonic()
        try:
            yield
        finally:
            self.taken -= 1
            if answers_before == 0:
                self._answer_s = clock.monotonic() - began


class LocalParts(msgspec.Struct, frozen=True, kw_only=True):
    """What is shared by all who ask the local model: who knows where it is, and the gate before it."""

    server: LocalServer
    gate: Gate


class LocalProvider:
    """A `Provider` that asks the local model wherever it listens just now."""

    def __init__(self, model: Model, local: LocalParts, http: HttpParts) -> None:
        self._model = model
        self._local = local
        self._http = http

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`.

        Raises:
            ModelBusy: too many wait for it, or so long that nothing would come in time.
            LocalModelAway: its process is not there, or not ready.
            LocalModelMissing: it can only be run by this process, and its file is not there.
            LocalModelBroken: the same, and its file cannot be run.
        """
        async with self._turn() as turn, aclosing(turn.provider.stream(request)) as events:
            async for event in events:
                turn.has_spoken = True
                yield replace(event, model=self._model.name) if isinstance(event, Finished) else event

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`; raises as `stream`."""
        return self._frames(body) if body.dialect == "chat" else None

    async def _frames(self, body: Body) -> AsyncGenerator[Frame, None]:
        async with self._turn() as turn:
            passed = turn.provider.pass_on(body)
            assert passed is not None  # noqa: S101 - its dialect was asked for
            async with aclosing(passed) as frames:
                async for frame in frames:
                    turn.has_spoken = True
                    yield frame

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator["_Turn"]:
        """Have a place before the model for the block, and who reaches it where it listens now."""
        may_wait_s = self._http.settings.first_token_timeout_s
        with self._local.gate.place(self._model.name, self._http.clock, may_wait_s):
            turn = _Turn(await self._provider())
            try:
                yield turn
            except ModelUnavailable as error:
                if turn.has_spoken:
                    raise
                raise LocalModelAway(f"the process of {self._model.name} does not answer") from error

    async def _provider(self) -> HttpProvider:
        address = await self._local.server.address()
        model = replace(self._model, base_url=f"{address.url}/v1", key="token")
        return HttpProvider(model, _WIRE, replace(self._http, resolve_secret=lambda _: address.token))


class _Turn(msgspec.Struct):
    """A place before the model, and who reaches it; `has_spoken` once anything came."""

    provider: HttpProvider
    has_spoken: bool = False

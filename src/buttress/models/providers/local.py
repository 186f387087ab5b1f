"""A model on this machine, served by a process beside us in OpenAI's format; see `models.local_server`."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager

import msgspec
from msgspec.structs import replace

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.models.dialects.types import Body
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
    """Lets as many requests of this process to the local model as it may have; the others hear it at once."""

    def __init__(self, settings: LocalSettings) -> None:
        self._places = settings.parallel + settings.queue_length
        self.taken = 0

    @contextmanager
    def place(self, name: str) -> Iterator[None]:
        """Have a place for the length of the block.

        Raises:
            ModelBusy: all are taken.
        """
        if self.taken >= self._places:
            raise ModelBusy(f"{self._places} requests of this process wait for {name} already")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


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

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`.

        Raises:
            ModelBusy: too many wait for it.
            LocalModelAway: its process is not there, or not ready.
        """
        with self._local.gate.place(self._model.name):
            provider = await self._provider()
            has_spoken = False
            try:
                async with aclosing(provider.stream(request)) as events:
                    async for event in events:
                        has_spoken = True
                        yield replace(event, model=self._model.name) if isinstance(event, Finished) else event
            except ModelUnavailable as error:
                if has_spoken:
                    raise
                raise LocalModelAway(f"the process of {self._model.name} does not answer") from error

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`; raises as `stream`."""
        return self._frames(body) if body.dialect == "chat" else None

    async def _frames(self, body: Body) -> AsyncGenerator[Frame, None]:
        with self._local.gate.place(self._model.name):
            passed = (await self._provider()).pass_on(body)
            assert passed is not None  # noqa: S101 - its dialect was asked for
            has_spoken = False
            try:
                async with aclosing(passed) as frames:
                    async for frame in frames:
                        has_spoken = True
                        yield frame
            except ModelUnavailable as error:
                if has_spoken:
                    raise
                raise LocalModelAway(f"the process of {self._model.name} does not answer") from error

    async def _provider(self) -> HttpProvider:
        address = await self._local.server.address()
        model = replace(self._model, base_url=f"{address.url}/v1", key="token")
        return HttpProvider(model, _WIRE, replace(self._http, resolve_secret=lambda _: address.token))

"""A model reached over HTTP: one request, answered by a stream of server-sent events, in some wire format.

Always asks for a stream: a server that is left in the middle of a stream stops working (and charging) at
once, one that is left in the middle of a whole answer often does not.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Protocol

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.kernel.secrets import mask_password
from buttress.models.dialects.refusals import error_of_response, read_refusal, retry_after
from buttress.models.errors import BadAnswer, BadRequest, ModelUnavailable, RefusedKey, StreamCut
from buttress.models.settings import ModelSettings
from buttress.models.sse import SseParser
from buttress.outbound.addresses import AddressInvalid
from buttress.outbound.faults import BrokenOff, NotHttp, Unreachable
from buttress.outbound.response import Response
from buttress.outbound.sessions import Outgoing, Sessions

_MAX_ERROR_BYTES = 65_536


class Reader(Protocol):
    """Turns the data of a stream's events into model events; one for each answer."""

    @property
    def began(self) -> bool:
        """Whether anything was read yet."""
        ...

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: mostly one piece of text, or nothing.

        Raises:
            BadAnswer: it is not an event of this format.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        ...

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before its end."""
        ...


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A wire format: where a model is asked, with which headers and body, and who reads its answer.

    `headers` takes the secret, empty when the model has no key.
    """

    url: Callable[[Model], str]
    headers: Callable[[str], Mapping[str, str]]
    body: Callable[[Model, ModelRequest], bytes]
    reader: Callable[[Model], Reader]


class HttpParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider over HTTP needs. `resolve_secret` turns a reference into the key, at each attempt."""

    sessions: Sessions
    settings: ModelSettings
    resolve_secret: Callable[[str], str]
    clock: Clock


class HttpProvider:
    """A `Provider` that speaks one `Format` over HTTP."""

    def __init__(self, model: Model, wire: Format, parts: HttpParts) -> None:
        self._model = model
        self._wire = wire
        self._parts = parts
        self._url = wire.url(model)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`."""
        secret = self._secret()
        reader = self._wire.reader(self._model)
        with self._transport_errors(reader):
            exchange = self._parts.sessions.post(self._outgoing(request, secret))
            async with exchange as response:
                await self._check(response, secret)
                async with aclosing(self._events(response, reader)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            exchange.want_no_more()
                            yield event
                            return
                        yield event
        raise reader.cut()

    def _secret(self) -> str:
        secret = self._parts.resolve_secret(self._model.key).strip() if self._model.key else ""
        if not (secret.isascii() and secret.isprintable()):
            raise RefusedKey(f"the key of {self._model.name} holds characters that no header can carry")
        return secret

    def _outgoing(self, request: ModelRequest, secret: str) -> Outgoing:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        return Outgoing(
            url=self._url,
            body=self._wire.body(self._model, request),
            headers={**headers, **self._wire.headers(secret)},
            connect_timeout_s=self._parts.settings.connect_timeout_s,
        )

    async def _check(self, response: Response, secret: str) -> None:
        if response.status != 200:
            raise error_of_response(
                self._model,
                read_refusal(
                    response.status,
                    await response.whole(_MAX_ERROR_BYTES),
                    secret=secret,
                    retry_after_s=retry_after(response.headers, self._parts.clock.now()),
                ),
            )
        if response.content_type in ("application/json", "text/html"):
            raise BadAnswer(f"{self._model.name} answered with {response.content_type}, not with a stream")

    async def _events(self, response: Response, reader: Reader) -> AsyncGenerator[ModelEvent, None]:
        parser = SseParser(self._parts.settings.max_event_bytes)
        while data := await response.some():
            for told in parser.feed(data):
                for event in reader.read(told.data):
                    yield event

    @contextmanager
    def _transport_errors(self, reader: Reader) -> Iterator[None]:
        """Turn errors of the connection into ours; which one depends on how far the answer had come."""
        where = f"{self._model.name} at {mask_password(self._url)}"
        try:
            yield
        except AddressInvalid as error:
            raise BadRequest(f"{where}: {error}") from error
        except Unreachable as error:
            raise ModelUnavailable(f"{where} could not be reached: {error}", was_sent=False) from error
        except BrokenOff as error:
            if reader.began:
                raise reader.cut() from error
            raise ModelUnavailable(f"{where} broke off before it answered: {error}") from error
        except NotHttp as error:
            raise BadAnswer(f"{where} did not answer in HTTP as it should: {error}") from error

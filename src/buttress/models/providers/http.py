"""A model reached over HTTP: one request, answered by a stream of server-sent events, in some wire format.

Always asks for a stream: a server that is left in the middle of a stream stops working (and charging) at
once, one that is left in the middle of a whole answer often does not.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.kernel.secrets import mask_password
from buttress.models.dialects.limits import until_reset
from buttress.models.dialects.refusals import error_of_response, read_refusal, retry_after
from buttress.models.dialects.types import Body, DialectName, Reader, Watcher
from buttress.models.errors import BadAnswer, BadRequest, ModelBusy, ModelUnavailable, RefusedKey
from buttress.models.settings import ModelSettings
from buttress.models.sse import SseParser
from buttress.models.types import Frame
from buttress.outbound.addresses import AddressInvalid
from buttress.outbound.faults import BrokenOff, NoneFree, NotHttp, Unreachable
from buttress.outbound.response import Response
from buttress.outbound.sessions import Outgoing, Sessions

_MAX_ERROR_BYTES = 65_536


class Speech(msgspec.Struct, frozen=True):
    """How a client of the upstream's own dialect is served: its body passed on, the answer watched.

    `last` is the event that ends a stream, for an upstream that leaves it out.
    """

    dialect: DialectName
    body: Callable[[Model, Body], bytes]
    watcher: Callable[[Model], Watcher]
    last: bytes = b""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A wire format: where a model is asked, with which headers and body, and who reads its answer.

    `headers` takes the secret, empty when the model has no key. `speech` is for clients of the same dialect;
    None where no client speaks it.
    """

    url: Callable[[Model], str]
    headers: Callable[[str], Mapping[str, str]]
    body: Callable[[Model, ModelRequest], bytes]
    reader: Callable[[Model], Reader]
    speech: Speech | None = None


class HttpParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider over HTTP needs. `resolve_secret` turns a reference into the key, at each attempt.

    `rest` is told when an upstream says that for so many seconds nothing more may be asked of a model.
    """

    sessions: Sessions
    settings: ModelSettings
    resolve_secret: Callable[[str], str]
    clock: Clock
    rest: Callable[[Model, float], None] = lambda model, seconds: None  # noqa: ARG005 - nobody wants to know


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
        with self._transport_errors(reader), _kept_secret(secret):
            outgoing = self._outgoing(self._wire.body(self._model, request), secret, is_stream=True)
            exchange = self._parts.sessions.post(outgoing)
            async with exchange as response:
                await self._check(response, secret, is_stream=True)
                async with aclosing(self._events(response, reader)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            exchange.want_no_more()
                            yield event
                            return
                        yield event
        raise reader.cut()

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`."""
        speech = self._wire.speech
        return self._frames(body, speech) if speech and speech.dialect == body.dialect else None

    async def _frames(self, body: Body, speech: Speech) -> AsyncGenerator[Frame, None]:
        secret = self._secret()
        watcher = speech.watcher(self._model)
        outgoing = self._outgoing(speech.body(self._model, body), secret, is_stream=body.is_stream)
        with self._transport_errors(watcher), _kept_secret(secret):
            exchange = self._parts.sessions.post(outgoing)
            async with exchange as response:
                await self._check(response, secret, is_stream=body.is_stream)
                if not body.is_stream:
                    whole = await response.whole(self._parts.settings.max_answer_bytes)
                    yield Frame(whole, watcher.see_whole(whole))
                    return
                async with aclosing(self._passed(response, watcher, speech.last)) as frames:
                    async for frame in frames:
                        if frame.seen.finished:
                            exchange.want_no_more()
                            yield frame
                            return
                        yield frame
        raise watcher.cut()

    async def _passed(self, response: Response, watcher: Watcher, last: bytes) -> AsyncGenerator[Frame, None]:
        parser = SseParser(self._parts.settings.max_event_bytes)
        while data := await response.some():
            for told in parser.feed(data):
                yield Frame(told.as_bytes(), watcher.see(told.data))
        if (seen := watcher.end()).finished:
            yield Frame(last, seen)

    def _secret(self) -> str:
        secret = self._parts.resolve_secret(self._model.key).strip() if self._model.key else ""
        if not (secret.isascii() and secret.isprintable()):
            raise RefusedKey(f"the key of {self._model.name} holds characters that no header can carry")
        return secret

    def _outgoing(self, body: bytes, secret: str, *, is_stream: bool) -> Outgoing:
        wanted = "text/event-stream" if is_stream else "application/json"
        headers = {"Content-Type": "application/json", "Accept": wanted}
        return Outgoing(
            url=self._url,
            body=body,
            headers={**headers, **self._wire.headers(secret)},
            connect_timeout_s=self._parts.settings.connect_timeout_s,
        )

    async def _check(self, response: Response, secret: str, *, is_stream: bool) -> None:
        pause_s = self._pause_s(response)
        if pause_s is not None:
            self._parts.rest(self._model, pause_s)
        if response.status != 200:
            raise error_of_response(
                self._model,
                read_refusal(
                    response.status,
                    await response.whole(_MAX_ERROR_BYTES),
                    secret=secret,
                    retry_after_s=pause_s,
                ),
            )
        unwanted = ("application/json", "text/html") if is_stream else ("text/event-stream", "text/html")
        if response.content_type in unwanted:
            wanted = "a stream" if is_stream else "JSON"
            raise BadAnswer(f"{self._model.name} answered with {response.content_type}, not with {wanted}")

    def _pause_s(self, response: Response) -> float | None:
        """Return how many seconds the upstream wants to be left alone for, None when it does not say."""
        now = self._parts.clock.now()
        told = None if response.status == 200 else retry_after(response.headers, now)
        return until_reset(response.headers, now) if told is None else told

    async def _events(self, response: Response, reader: Reader) -> AsyncGenerator[ModelEvent, None]:
        parser = SseParser(self._parts.settings.max_event_bytes)
        while data := await response.some():
            for told in parser.feed(data):
                for event in reader.read(told.data):
                    yield event
        for event in reader.end():
            yield event

    @contextmanager
    def _transport_errors(self, reader: Reader | Watcher) -> Iterator[None]:
        """Turn errors of the connection into ours; which one depends on how far the answer had come."""
        where = f"{self._model.name} at {mask_password(self._url)}"
        try:
            yield
        except AddressInvalid as error:
            raise BadRequest(f"{where}: {error}") from error
        except NoneFree as error:
            hint = "Raise outbound.connections_per_origin, or add a rung to the ladder."
            raise ModelBusy(f"{where}: {error}", hint=hint) from error
        except Unreachable as error:
            raise ModelUnavailable(f"{where} could not be reached: {error}", may_have_worked=False) from error
        except BrokenOff as error:
            if reader.began:
                raise reader.cut() from error
            raise ModelUnavailable(f"{where} broke off before it answered: {error}") from error
        except NotHttp as error:
            raise BadAnswer(f"{where} did not answer in HTTP as it should: {error}") from error


@contextmanager
def _kept_secret(secret: str) -> Iterator[None]:
    """Take `secret` out of what an error says, should the upstream repeat it in the middle of a stream."""
    try:
        yield
    except ButtressError as error:
        if secret and secret in error.message:
            error.message = error.message.replace(secret, "***")
            error.args = (error.message,)
        raise

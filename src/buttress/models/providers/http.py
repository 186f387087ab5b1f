"""A model reached over HTTP: one request, answered by a stream of server-sent events, in some wire format.

Always asks for a stream: a server that is left in the middle of a stream stops working (and charging) at
once, one that is left in the middle of a whole answer often does not.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import NoReturn

import msgspec
import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, ToolCallDelta
from buttress.kernel.secrets import mask_password
from buttress.models.dialects.limits import tells_limits, until_reset
from buttress.models.dialects.refusals import error_of_response, read_refusal, retry_after
from buttress.models.dialects.types import Body, DialectName, Reader, Tally, Watcher
from buttress.models.errors import BadAnswer, BadRequest, ModelBusy, ModelUnavailable, RefusedKey, WrongKind
from buttress.models.settings import ModelSettings
from buttress.models.sse import SseEvent, SseParser, too_long
from buttress.models.types import Frame
from buttress.outbound.addresses import AddressInvalid
from buttress.outbound.faults import BrokenOff, NoneFree, NotHttp, Unreachable, why_unreachable
from buttress.outbound.response import Response
from buttress.outbound.sessions import Outgoing, Sessions

_MAX_ERROR_BYTES = 65_536
_MASK = "***"

_log = structlog.get_logger("buttress.models.http")


class Speech(msgspec.Struct, frozen=True):
    """How a client of the upstream's own dialect is served: its body passed on, the answer watched.

    `last` is the event that ends a stream, for an upstream that leaves it out. `headers` are the client's own
    that go on, too; in lower case.
    """

    dialect: DialectName
    body: Callable[[Model, Body], bytes]
    watcher: Callable[[Model, Body], Watcher]
    last: bytes = b""
    headers: tuple[str, ...] = ()


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


def bearer(secret: str) -> dict[str, str]:
    """Return the header by which most upstreams are told a key; none without one."""
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def no_chat(does: str) -> Callable[..., NoReturn]:
    """Return what refuses to chat, in place of a body and a reader, for models of which it says what they do.

    Raises:
        WrongKind: when it is called, with the model first; nothing was sent by then.
    """

    def refuse(model: Model, *_: object) -> NoReturn:
        raise WrongKind(f"{model.name} {does}, and answers nothing else")

    return refuse


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

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`."""
        secret = self._secret()
        reader = self._wire.reader(self._model)
        is_one_wanted = request.parallel_tools is False
        with _faults_of(self._model, self._url, reader, secret):
            headers = self._wire.headers(secret)
            outgoing = self._outgoing(self._wire.body(self._model, request), headers, is_stream=True)
            exchange = self._parts.sessions.post(outgoing)
            async with exchange as response:
                await self._check(response, secret, is_stream=True)
                async with aclosing(self._events(response, reader, secret)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            exchange.want_no_more()
                            yield event
                            return
                        if not (is_one_wanted and _is_of_further_call(event)):
                            yield event
        raise reader.cut()

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`."""
        speech = self._wire.speech
        return self._frames(body, speech) if speech and speech.dialect == body.dialect else None

    async def _frames(self, body: Body, speech: Speech) -> AsyncGenerator[Frame, None]:
        secret = self._secret()
        watcher = speech.watcher(self._model, body)
        headers = {**self._wire.headers(secret), **_chosen(body.headers, speech.headers)}
        outgoing = self._outgoing(speech.body(self._model, body), headers, is_stream=body.is_stream)
        with _faults_of(self._model, self._url, watcher, secret):
            exchange = self._parts.sessions.post(outgoing)
            async with exchange as response:
                await self._check(response, secret, is_stream=body.is_stream)
                if not body.is_stream:
                    whole = await self._whole(response, secret)
                    yield Frame(whole, watcher.see_whole(whole))
                    return
                async with aclosing(self._passed(response, watcher, secret)) as frames:
                    async for frame in frames:
                        if frame.seen.finished:
                            exchange.want_no_more()
                            yield frame
                            return
                        yield frame
                if (seen := watcher.end()).finished:
                    yield Frame(speech.last, seen)
                    return
        raise watcher.cut()

    async def _whole(self, response: Response, secret: str) -> bytes:
        limit = self._parts.settings.max_answer_bytes
        whole = await response.whole(limit + 1)
        if len(whole) > limit:
            raise too_long(limit)
        return whole.replace(secret.encode(), _MASK.encode()) if secret else whole

    async def _passed(self, response: Response, watcher: Watcher, secret: str) -> AsyncGenerator[Frame, None]:
        parser = self._parser()
        while data := await response.some():
            for event in parser.feed(data):
                told = _masked(event, secret)
                yield Frame(told.as_bytes(), watcher.see(told.data))

    def _parser(self) -> SseParser:
        return SseParser(self._parts.settings.max_event_bytes, self._parts.settings.max_answer_bytes)

    def _secret(self) -> str:
        secret = self._parts.resolve_secret(self._model.key).strip() if self._model.key else ""
        if not (secret.isascii() and secret.isprintable()):
            raise RefusedKey(f"the key of {self._model.name} holds characters that no header can carry")
        return secret

    def _outgoing(self, body: bytes, headers: Mapping[str, str], *, is_stream: bool) -> Outgoing:
        wanted = "text/event-stream" if is_stream else "application/json"
        return Outgoing(
            url=self._url,
            body=body,
            headers={"Content-Type": "application/json", "Accept": wanted, **headers},
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
        if response.status == 200 and not tells_limits(response.headers):
            return None
        now = self._parts.clock.now()
        told = None if response.status == 200 else retry_after(response.headers, now)
        return until_reset(response.headers, now) if told is None else told

    async def _events(
        self, response: Response, reader: Reader, secret: str
    ) -> AsyncGenerator[ModelEvent | Tally, None]:
        parser = self._parser()
        counted = None
        while data := await response.some():
            for told in parser.feed(data):
                for event in reader.read(_masked(told, secret).data):
                    yield event
                if (usage := reader.usage_so_far) is not counted and usage is not None:
                    counted = usage
                    yield Tally(usage)
        for event in reader.end():
            yield event


_FAULTS = (AddressInvalid, NoneFree, Unreachable, BrokenOff, NotHttp)


def _chosen(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _is_of_further_call(event: ModelEvent | Tally) -> bool:
    """Say whether `event` is of another call than the first; not every model can be told to make one only."""
    return isinstance(event, ToolCallDelta) and event.index > 0


def _masked(event: SseEvent, secret: str) -> SseEvent:
    """Return `event` without the secret, should the upstream repeat it; before anybody cuts it short."""
    if not secret or secret not in event.data:
        return event
    return msgspec.structs.replace(event, data=event.data.replace(secret, _MASK))


class _faults_of:  # noqa: N801 - used as a `with` block, like the standard library's
    """Turns faults of the connection into ours; which one depends on how far the answer had come.

    Where the upstream is stands in the log, and not in what clients read; nor does the secret, should the
    upstream have repeated it. A class, since a generator costs thrice as much.
    """

    def __init__(self, model: Model, url: str, reader: Reader | Watcher, secret: str) -> None:
        self._model = model
        self._url = url
        self._reader = reader
        self._secret = secret

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        if isinstance(error, _FAULTS):
            at = mask_password(self._url)
            _log.info("models.no_answer", model=self._model.name, url=at, reason=str(error))
            ours = self._of_transport(error)
            _mask(ours, self._secret)
            raise ours from error
        if isinstance(error, ButtressError):
            _mask(error, self._secret)

    def _of_transport(self, fault: Exception) -> ButtressError:
        name = self._model.name
        match fault:
            case AddressInvalid():
                return BadRequest(
                    f"{name} has a `base_url:` that is none, or a header that no request can carry"
                )
            case NoneFree():
                hint = "Raise outbound.connections_per_origin, or add a rung to the ladder."
                return ModelBusy(f"{name} has no connection free: {fault}", hint=hint)
            case Unreachable():
                return ModelUnavailable(
                    f"{name} could not be reached: {why_unreachable(fault)}", may_have_worked=False
                )
            case BrokenOff() if self._reader.began:
                return self._reader.cut()
            case BrokenOff():
                return ModelUnavailable(f"the connection to {name} broke off before it answered")
            case _:
                return BadAnswer(f"{name} did not answer in HTTP as it should: {fault}")


def _mask(error: ButtressError, secret: str) -> None:
    """Take `secret` out of what `error` says."""
    if secret and secret in error.message:
        error.message = error.message.replace(secret, _MASK)
        error.args = (error.message,)

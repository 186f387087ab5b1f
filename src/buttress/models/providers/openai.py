"""Any server that speaks OpenAI's chat completions, reached by its base URL.

Always asks for a stream: a server that is left in the middle of a stream stops working (and charging) at
once, one that is left in the middle of a whole answer often does not.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress

import aiohttp

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.kernel.secrets import mask_password
from buttress.models.errors import BadAnswer, BadRequest, ModelUnavailable, RefusedKey
from buttress.models.providers.openai_errors import error_of_response, read_refusal, retry_after
from buttress.models.providers.openai_wire import AnswerReader, request_body
from buttress.models.settings import ModelSettings
from buttress.models.sse import SseParser
from buttress.outbound.sessions import Outgoing, Sessions

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_MAX_ERROR_BYTES = 65_536
_TAIL_S = 0.05
"""How long the end of the HTTP body may come after `[DONE]` for the connection to be used again."""


class OpenAIProvider:
    """A `Provider` over HTTP. `resolve_secret` turns a key's reference into the key, at each attempt."""

    def __init__(
        self,
        model: Model,
        *,
        sessions: Sessions,
        settings: ModelSettings,
        resolve_secret: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self._model = model
        self._sessions = sessions
        self._settings = settings
        self._resolve_secret = resolve_secret
        self._clock = clock
        self._url = f"{(model.base_url or DEFAULT_BASE_URL).rstrip('/')}/chat/completions"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`."""
        secret = self._secret()
        reader = AnswerReader(self._model)
        with self._transport_errors(reader):
            async with self._sessions.post(self._outgoing(request, secret)) as response:
                await self._check(response, secret)
                async with aclosing(self._events(response, reader)) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, Finished):
                            return
        raise reader.cut()

    def _secret(self) -> str:
        secret = self._resolve_secret(self._model.key).strip() if self._model.key else ""
        if not (secret.isascii() and secret.isprintable()):
            raise RefusedKey(f"the key of {self._model.name} holds characters that no header can carry")
        return secret

    def _outgoing(self, request: ModelRequest, secret: str) -> Outgoing:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        return Outgoing(
            url=self._url,
            body=request_body(self._model, request),
            headers=headers,
            connect_timeout_s=self._settings.connect_timeout_s,
        )

    async def _check(self, response: aiohttp.ClientResponse, secret: str) -> None:
        if response.status != 200:
            raise error_of_response(
                self._model,
                read_refusal(
                    response.status,
                    await _bounded(response, _MAX_ERROR_BYTES),
                    secret=secret,
                    retry_after_s=retry_after(response.headers, self._clock.now()),
                ),
            )
        if response.content_type in ("application/json", "text/html"):
            raise BadAnswer(f"{self._model.name} answered with {response.content_type}, not with a stream")

    async def _events(
        self, response: aiohttp.ClientResponse, reader: AnswerReader
    ) -> AsyncGenerator[ModelEvent, None]:
        parser = SseParser(self._settings.max_event_bytes)
        async for data in response.content.iter_any():
            for told in parser.feed(data):
                for event in reader.read(told.data):
                    if isinstance(event, Finished):
                        await _read_tail(response)
                    yield event

    @contextmanager
    def _transport_errors(self, reader: AnswerReader) -> Iterator[None]:
        """Turn errors of the connection into ours; which one depends on how far the answer had come."""
        where = f"{self._model.name} at {mask_password(self._url)}"
        try:
            yield
        except aiohttp.InvalidURL as error:
            raise BadRequest(f"{where}: the address is not a URL that can be asked") from error
        except (aiohttp.ClientPayloadError, aiohttp.SocketTimeoutError) as error:
            raise reader.cut() from error
        except aiohttp.ClientConnectionError as error:
            if reader.began:
                raise reader.cut() from error
            was_sent = not isinstance(error, aiohttp.ClientConnectorError)
            raise ModelUnavailable(
                f"{where} could not be asked: {_reason(error)}", was_sent=was_sent
            ) from error
        except aiohttp.ClientError as error:
            raise BadAnswer(f"{where} did not answer in HTTP as it should: {_reason(error)}") from error


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = b""
    while len(body) < limit and (more := await response.content.read(limit - len(body))):
        body += more
    return body


async def _read_tail(response: aiohttp.ClientResponse) -> None:
    """Wait a moment for the end of the body: only a connection read to its end can be used again."""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(_TAIL_S):
            await _bounded(response, _MAX_ERROR_BYTES)


def _reason(error: aiohttp.ClientError) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

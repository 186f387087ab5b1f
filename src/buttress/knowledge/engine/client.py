"""The engine of another process, asked over a loopback connection. Imports nothing heavy."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from buttress.knowledge.engine.wire import (
    CONNECTION_LOST,
    Cancel,
    Failure,
    FromEngine,
    Hello,
    Method,
    Request,
    Sentences,
    Welcome,
    error_of,
    frame,
    read_address,
    read_frame,
)
from buttress.knowledge.errors import EngineAway, EngineTimeout, TooMuchAsked
from buttress.knowledge.search_types import Embedded, EngineStatus, Found, Query, Reranked, Reranking
from buttress.knowledge.settings import EngineSettings

T = TypeVar("T")

_DECODER = msgspec.msgpack.Decoder(FromEngine)


class RemoteEngine:
    """An `Engine` in another process, found by its run file. An async context manager.

    All calls share one connection, made when the first one needs it and again after it was lost: an engine
    that was killed and started anew is found by its new run file.
    """

    def __init__(self, run_file: Path, settings: EngineSettings) -> None:
        self._run_file = run_file
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._connection: _Connection | None = None
        self._listening = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._listening.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection:
            self._connection.close("the caller closed its engine")
        # An error of the block is the caller's own: the group would wrap it.
        await self._listening.__aexit__(None, None, None)

    async def search(self, query: Query) -> Found:
        """See `Engine.search`."""
        clean = msgspec.structs.replace(query, text=_sendable(query.text))
        return await self._ask("search", clean, Found)

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """See `Engine.rank_sentences`."""
        body = Sentences(_sendable(question), [_sendable(one) for one in sentences])
        return await self._ask("rank_sentences", body, list[float])

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """See `Engine.embed`."""
        return await self._ask("embed", [_sendable(one) for one in texts], Embedded)

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Engine.rerank`."""
        documents = [_sendable(one) for one in asked.documents]
        clean = msgspec.structs.replace(asked, query=_sendable(asked.query), documents=documents)
        return await self._ask("rerank", clean, Reranked)

    async def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return await self._ask("status", None, EngineStatus)

    async def _ask(self, method: Method, body: object, kind: type[T]) -> T:
        timeout_s = self._settings.call_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connected()
                answer = await connection.ask(method, msgspec.Raw(msgspec.msgpack.encode(body)), timeout_s)
        except TimeoutError:
            raise EngineTimeout(f"the engine did not answer within {timeout_s:g} s") from None
        return msgspec.msgpack.decode(answer, type=kind)

    async def _connected(self) -> "_Connection":
        async with self._connecting:
            if self._connection is None or self._connection.lost:
                self._connection = await _connect(self._run_file, self._settings)
                self._listening.create_task(self._connection.listen())
            return self._connection


def _sendable(text: str) -> str:
    """Return `text` with halves of surrogate pairs, which no encoding can carry, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


async def _connect(run_file: Path, settings: EngineSettings) -> "_Connection":
    address = read_address(run_file)
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            return await _greet(reader, writer, address.token, settings.max_frame_bytes)
    except TimeoutError:
        raise EngineAway(f"the engine at port {address.port} does not answer") from None
    except CONNECTION_LOST as error:
        raise EngineAway(f"the engine at port {address.port} is gone: {error}") from error


async def _greet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str, max_frame_bytes: int
) -> "_Connection":
    welcomed = False
    try:
        writer.write(frame(Hello(token)))
        answer = _DECODER.decode(await read_frame(reader, max_frame_bytes))
        welcomed = isinstance(answer, Welcome)
    finally:
        if not welcomed:
            writer.close()
    if isinstance(answer, Failure):
        raise error_of(answer)
    return _Connection(reader, writer, max_frame_bytes)


class _Connection:
    """One connection, and the calls that wait for an answer on it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_frame_bytes: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._max_frame_bytes = max_frame_bytes
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self.lost = False

    async def ask(self, method: Method, body: msgspec.Raw, timeout_s: float) -> msgspec.Raw:
        """Send one request and wait for its answer; one that is given up is cancelled over there, too."""
        request_id = next(self._ids)
        data = frame(Request(id=request_id, method=method, timeout_s=timeout_s, body=body))
        if len(data) > self._max_frame_bytes:
            raise TooMuchAsked(f"the question has {len(data)} bytes, {self._max_frame_bytes} may be sent")
        if self.lost:
            raise EngineAway("the connection to the engine was lost")
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            self._writer.write(data)
            return await answer
        finally:
            del self._waiting[request_id]
            if answer.cancelled() and not self.lost:
                self._writer.write(frame(Cancel(request_id)))

    async def listen(self) -> None:
        """Hand answers to those who wait for them until the connection ends."""
        reason = "it ended"
        try:
            while True:
                message = _DECODER.decode(await read_frame(self._reader, self._max_frame_bytes))
                self._hand_out(message)
        except CONNECTION_LOST as error:
            reason = str(error) or type(error).__name__
        finally:
            self.close(reason)

    def close(self, reason: str) -> None:
        """End the connection; who waits on it hears why."""
        self.lost = True
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EngineAway(f"the connection to the engine was lost: {reason}"))

    def _hand_out(self, message: FromEngine) -> None:
        if isinstance(message, Welcome):
            return
        waiting = self._waiting.get(message.id)
        if waiting is None or waiting.done():
            return  # given up meanwhile
        if isinstance(message, Failure):
            waiting.set_exception(error_of(message))
        else:
            waiting.set_result(message.body)

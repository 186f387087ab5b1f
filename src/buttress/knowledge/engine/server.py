"""The engine as a process that others ask, over a loopback connection."""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.knowledge.engine.wire import (
    CONNECTION_LOST,
    HELLO_BYTES,
    PROTOCOL,
    Address,
    Cancel,
    Failure,
    FromCaller,
    Hello,
    Method,
    Reply,
    Request,
    Sentences,
    Welcome,
    failure_of,
    frame,
    read_address,
    read_frame,
    write_address,
)
from buttress.knowledge.errors import (
    MISTAKES,
    EngineAway,
    EngineFailed,
    EngineRefused,
    EngineTimeout,
    TooMuchAsked,
)
from buttress.knowledge.ports import Engine
from buttress.knowledge.search_types import Query, Reranking
from buttress.knowledge.settings import EngineSettings

HOST = "127.0.0.1"
_HELLO_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_engine(
    engine: Engine, run_file: Path, settings: EngineSettings, token: str = ""
) -> AsyncIterator[Address]:
    """Let other processes of this machine ask `engine` for the block.

    They find the port, which the system chose, and the token in `run_file`; only our user can read it. It is
    removed at the end, unless another engine has written its own by then. Without `token` a new one is made.
    """
    connections: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as group:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            caller = _Caller(engine, reader, writer, settings)
            task = group.create_task(caller.serve(address.token))
            connections.add(task)
            task.add_done_callback(connections.discard)
            task.add_done_callback(lambda _: writer.close())  # also if it was cancelled before it began

        server = await asyncio.start_server(accept, HOST, 0)
        port: int = server.sockets[0].getsockname()[1]
        address = Address(host=HOST, port=port, token=token or secrets.token_urlsafe(32), pid=os.getpid())
        try:
            write_address(run_file, address)
            yield address
        finally:
            server.close()
            for task in connections:
                task.cancel()
            _remove(run_file, address)


def _remove(run_file: Path, address: Address) -> None:
    with suppress(EngineAway, OSError):
        if read_address(run_file) == address:
            run_file.unlink()


class _Caller:
    """One connection: its requests run side by side, and all end with it."""

    def __init__(
        self,
        engine: Engine,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: EngineSettings,
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._decoder = msgspec.msgpack.Decoder(FromCaller)

    async def serve(self, token: str) -> None:
        """Answer until the other side leaves, or breaks the rules; never raises but when cancelled."""
        try:
            if await self._greeted(token):
                await self._answer_all()
        except CONNECTION_LOST as error:
            _log.debug("a caller of the engine left: %r", error)

    async def _greeted(self, token: str) -> bool:
        try:
            async with asyncio.timeout(_HELLO_TIMEOUT_S):
                hello = self._decoder.decode(await read_frame(self._reader, HELLO_BYTES))
        except TimeoutError:
            return False
        known = isinstance(hello, Hello) and hmac.compare_digest(hello.token.encode(), token.encode())
        if not known:
            self._send(failure_of(EngineRefused("the engine does not know this token"), 0))
        elif isinstance(hello, Hello) and hello.protocol != PROTOCOL:
            refused = EngineRefused(f"the engine speaks version {PROTOCOL}, the caller {hello.protocol}")
            self._send(failure_of(refused, 0))
        else:
            self._send(Welcome())
            return True
        await self._writer.drain()
        return False

    async def _answer_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    raw = await read_frame(self._reader, self._settings.max_frame_bytes)
                    self._take(self._decoder.decode(raw), group)
            except CONNECTION_LOST as error:
                _log.debug("a caller of the engine left: %r", error)
            finally:
                for call in self._calls.values():
                    call.cancel()

    def _take(self, message: FromCaller, group: asyncio.TaskGroup) -> None:
        match message:
            case Request():
                call = group.create_task(self._answer(message))
                self._calls[message.id] = call
                call.add_done_callback(lambda _: self._calls.pop(message.id, None))
            case Cancel() if message.id in self._calls:
                self._calls[message.id].cancel()
            case _:
                pass  # a second Hello, or a call that has ended already: nothing to do

    async def _answer(self, request: Request) -> None:
        try:
            async with asyncio.timeout(request.timeout_s):
                result = await _METHODS[request.method](self._engine, request.body)
            answer: Reply | Failure = Reply(request.id, msgspec.Raw(msgspec.msgpack.encode(result)))
        except TimeoutError:
            answer = failure_of(EngineTimeout(f"no answer within {request.timeout_s:g} s"), request.id)
        except ButtressError as error:
            answer = failure_of(error, request.id)
        except MISTAKES as error:
            _log.exception("the engine could not answer `%s`", request.method)
            answer = failure_of(EngineFailed(f"{type(error).__name__}: {error}"), request.id)
        with suppress(OSError):
            self._send(answer)
            await self._writer.drain()

    def _send(self, message: Welcome | Reply | Failure) -> None:
        data = frame(message)
        if len(data) > self._settings.max_frame_bytes and isinstance(message, Reply):
            asked = TooMuchAsked(
                f"the answer has {len(data)} bytes, {self._settings.max_frame_bytes} may be sent"
            )
            data = frame(failure_of(asked, message.id))
        self._writer.write(data)


async def _search(engine: Engine, body: msgspec.Raw) -> object:
    return await engine.search(msgspec.msgpack.decode(body, type=Query))


async def _rank_sentences(engine: Engine, body: msgspec.Raw) -> object:
    asked = msgspec.msgpack.decode(body, type=Sentences)
    return await engine.rank_sentences(asked.question, asked.sentences)


async def _embed(engine: Engine, body: msgspec.Raw) -> object:
    return await engine.embed(msgspec.msgpack.decode(body, type=list[str]))


async def _rerank(engine: Engine, body: msgspec.Raw) -> object:
    return await engine.rerank(msgspec.msgpack.decode(body, type=Reranking))


async def _status(engine: Engine, body: msgspec.Raw) -> object:
    del body
    return await engine.status()


_METHODS: dict[Method, Callable[[Engine, msgspec.Raw], Awaitable[object]]] = {
    "search": _search,
    "rank_sentences": _rank_sentences,
    "embed": _embed,
    "rerank": _rerank,
    "status": _status,
}

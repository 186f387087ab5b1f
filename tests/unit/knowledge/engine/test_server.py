"""The engine behind a socket: who may ask, how much, and what happens to the others."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from buttress.knowledge.engine.local import LocalEngine
from buttress.knowledge.engine.server import serve_engine
from buttress.knowledge.engine.wire import (
    Address,
    Cancel,
    Failure,
    FromCaller,
    FromEngine,
    Hello,
    Reply,
    Request,
    Welcome,
    frame,
    read_address,
    read_frame,
    write_address,
)
from buttress.knowledge.errors import EngineAway
from buttress.testing.contracts.engine import SETTINGS, local_engine
from buttress.testing.embedding import HashedWords, SlowWords
from tests.waiting import until

DECODER = msgspec.msgpack.Decoder(FromEngine)


class Caller:
    """One connection, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, message: FromCaller) -> FromEngine:
        """Send a message and return the next one that comes."""
        self.writer.write(frame(message))
        return await self.hear()

    async def hear(self) -> FromEngine:
        """Return the next message."""
        message: FromEngine = DECODER.decode(await read_frame(self.reader, 1 << 20))
        return message

    async def is_over(self) -> bool:
        """Say whether the engine has ended the connection."""
        return await self.reader.read() == b""


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Caller]:
    """Connect without a word."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[Address]:
    """Return where an engine listens."""
    engine = local_engine(tmp_path / "index", HashedWords())
    async with serve_engine(engine, tmp_path / "run" / "engine.json", SETTINGS) as address:
        yield address


async def until_running(engine: LocalEngine, count: int) -> None:
    """Wait until so many calls run, up to ten seconds."""

    async def so_many_run() -> bool:
        return (await engine.status()).running == count

    await until(so_many_run)


def embed(number: int, *texts: str) -> Request:
    """Return a request to embed."""
    body = msgspec.Raw(msgspec.msgpack.encode(texts))
    return Request(id=number, method="embed", timeout_s=5, body=body)


async def test_only_our_user_can_read_the_token(address: Address, tmp_path: Path) -> None:
    """The run file is private, and says where to go."""
    run_file = tmp_path / "run" / "engine.json"
    assert stat.S_IMODE(run_file.stat().st_mode) == 0o600
    assert read_address(run_file) == address
    assert address.host == "127.0.0.1"
    assert len(address.token) >= 32


async def test_the_run_file_goes_with_the_engine(tmp_path: Path) -> None:
    """But not when another engine has written its own meanwhile."""
    run_file = tmp_path / "engine.json"
    engine = local_engine(tmp_path, HashedWords())
    async with serve_engine(engine, run_file, SETTINGS):
        assert run_file.exists()
    assert not run_file.exists()
    async with serve_engine(engine, run_file, SETTINGS) as first:
        theirs = msgspec.structs.replace(first, port=1)
        write_address(run_file, theirs)
    assert read_address(run_file) == theirs
    with pytest.raises(EngineAway):
        read_address(tmp_path / "none.json")


async def test_who_has_the_token_is_welcome(address: Address) -> None:
    """And is answered."""
    async with connected(address) as caller:
        assert isinstance(await caller.say(Hello(address.token)), Welcome)
        reply = await caller.say(embed(7, "a", "b"))
        assert isinstance(reply, Reply)
        assert reply.id == 7
        assert len(msgspec.msgpack.decode(reply.body)) == 2


@pytest.mark.parametrize("token", ["", "wrong", "é" * 40, "x" * 4_000])
async def test_who_has_not_is_sent_away(address: Address, token: str) -> None:
    """With a code, and nothing else."""
    async with connected(address) as caller:
        answer = await caller.say(Hello(token))
        assert isinstance(answer, Failure)
        assert answer.code == "knowledge.engine_refused"
        assert await caller.is_over()


async def test_nothing_is_answered_before_the_token(address: Address) -> None:
    """A request is no greeting."""
    async with connected(address) as caller:
        answer = await caller.say(embed(1, "a"))
        assert isinstance(answer, Failure)
        assert answer.code == "knowledge.engine_refused"
        assert await caller.is_over()


async def test_another_version_is_refused(address: Address) -> None:
    """An old worker hears it at once, instead of garbage later."""
    async with connected(address) as caller:
        answer = await caller.say(Hello(address.token, 99))
        assert isinstance(answer, Failure)
        assert "99" in answer.message


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a browser"),
        pytest.param(b"\x00\x00\x00\x05hello", id="no msgpack"),
        pytest.param(b"\xff\xff\xff\xff", id="four gigabytes announced"),
        pytest.param(b"\x00\x00\x00\x00", id="an empty frame"),
        pytest.param(b"\x00\x00\x00\x08\x81\xa4type\xa1\xff", id="a text that is none"),
        pytest.param(
            b"\x00\x00\x0f\xa7\x82\xa4type\xa5hello\xa1x" + b"\x91" * 3_992 + b"\xc0", id="too deep"
        ),
    ],
)
async def test_garbage_ends_the_connection_and_nothing_else(address: Address, garbage: bytes) -> None:
    """The next caller is answered as ever."""
    async with connected(address) as stranger:
        stranger.writer.write(garbage)
        assert await stranger.is_over()
    async with connected(address) as friend:
        assert isinstance(await friend.say(Hello(address.token)), Welcome)
        friend.writer.write(garbage)
        assert await friend.is_over()
    async with connected(address) as caller:
        assert isinstance(await caller.say(Hello(address.token)), Welcome)


async def test_a_request_of_the_wrong_shape_fails_alone(address: Address) -> None:
    """The connection goes on."""
    async with connected(address) as caller:
        await caller.say(Hello(address.token))
        wrong = Request(
            id=1, method="search", timeout_s=5, body=msgspec.Raw(msgspec.msgpack.encode({"a": 1}))
        )
        answer = await caller.say(wrong)
        assert isinstance(answer, Failure)
        assert answer.code == "knowledge.engine_failed"
        assert isinstance(await caller.say(embed(2, "a")), Reply)


async def test_an_answer_too_large_is_said(tmp_path: Path) -> None:
    """The caller hears it instead of waiting."""
    small = msgspec.structs.replace(SETTINGS, max_frame_bytes=1 << 16, max_texts=1_000)
    engine = local_engine(tmp_path / "index", HashedWords(384), small)
    await engine.warm()
    async with serve_engine(engine, tmp_path / "engine.json", small) as address, connected(address) as caller:
        await caller.say(Hello(address.token))
        answer = await caller.say(embed(3, *["word"] * 200))
        assert isinstance(answer, Failure)
        assert (answer.id, answer.code) == (3, "knowledge.too_much_asked")


async def test_what_nobody_waits_for_is_cancelled(tmp_path: Path) -> None:
    """By a word, or by hanging up: the place in the queue is free again."""
    embedder = SlowWords()
    engine = local_engine(tmp_path / "index", embedder)
    await engine.warm()
    async with serve_engine(engine, tmp_path / "engine.json", SETTINGS) as address:
        async with connected(address) as caller:
            await caller.say(Hello(address.token))
            caller.writer.write(frame(embed(1, "a")) + frame(embed(2, "b")))
            await until_running(engine, 2)
            caller.writer.write(frame(Cancel(1)))
            await until_running(engine, 1)
        await until_running(engine, 0)
        embedder.may_go_on.set()


async def test_an_engine_that_stops_ends_its_connections(tmp_path: Path) -> None:
    """Nobody waits for a dead engine."""
    engine = local_engine(tmp_path / "index", HashedWords())
    async with serve_engine(engine, tmp_path / "engine.json", SETTINGS) as address:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        caller = Caller(reader, writer)
        await caller.say(Hello(address.token))
    assert await caller.is_over()
    writer.close()

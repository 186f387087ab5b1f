"""Bodies within bounds, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.server.serving import send_raw, serving, traces
from tests.waiting import until

pytestmark = pytest.mark.slow

HEAD = b"POST /v1/features/chat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
LIMIT = 2_048


def question_of(size: int) -> bytes:
    """Return a valid body of exactly `size` bytes."""
    body = b'{"input": {"question": "Hi?"}}'
    return body + b" " * (size - len(body))


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield `body` in small pieces: sent so, it has no content-length."""
    for at in range(0, len(body), 500):
        yield body[at : at + 500]
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(LIMIT, 200, id="exactly as long as allowed"),
        pytest.param(LIMIT + 1, 413, id="one byte too long"),
        pytest.param(LIMIT * 50, 413, id="much too long"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["with its length", "in chunks, without a length"])
async def test_a_body_has_a_bound(project: Path, size: int, status: int, *, streamed: bool) -> None:
    body = question_of(size)
    async with serving(project, max_body_bytes=LIMIT) as server:
        data = in_pieces(body) if streamed else body
        async with server.session.post(f"{server.url}/v1/features/chat", data=data) as response:
            answer = await response.json()
            assert response.status == status
        async with server.ask("Still there?") as again:
            assert again.status == 200
    if status == 413:
        assert answer["error"]["code"] == "server.body_too_large"
        assert f"{LIMIT:,}" in answer["error"]["message"]


async def test_a_body_that_is_announced_as_too_long_is_refused_before_it_comes(project: Path) -> None:
    async with serving(project) as server:
        said = await send_raw(server.address, HEAD + b"content-length: 10000000000\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"server.body_too_large" in said


@pytest.mark.parametrize("size", [LIMIT + 1, 10_000_000_000])
async def test_a_client_that_asks_first_is_told_not_to_send_too_much(project: Path, size: int) -> None:
    head = HEAD + b"content-length: %d\r\nexpect: 100-continue\r\n\r\n" % size
    async with serving(project, max_body_bytes=LIMIT) as server:
        assert (await send_raw(server.address, head)).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_sends_all_before_it_reads_sees_why_it_was_refused(project: Path) -> None:
    size = 8_000_000  # more than the buffers of a connection hold
    async with serving(project, max_body_bytes=size // 4) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % size + bytes(size))
        async with asyncio.timeout(30):
            await writer.drain()
            said = await reader.read()
        writer.close()
    assert said.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"GZIP", b"identity, gzip", b"\xff"])
async def test_a_compressed_body_is_refused_unread(project: Path, encoding: bytes) -> None:
    head = HEAD + b"content-encoding: %b\r\ncontent-length: 1000\r\n\r\n" % encoding
    async with serving(project) as server:
        said = await send_raw(server.address, head)
    assert said.startswith(b"HTTP/1.1 415 ")
    assert b"server.body_encoded" in said


async def test_a_client_that_asks_first_is_told_to_go_on(project: Path) -> None:
    body = question_of(100)
    head = HEAD + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n"
    async with serving(project) as server:
        said = await send_raw(server.address, head + body)
    first, rest = said.split(b"\r\n\r\n", 1)
    assert first == b"HTTP/1.1 100 Continue"
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert json.loads(rest.split(b"\r\n\r\n", 1)[1])["text"] == "Hello world."


async def test_a_body_that_comes_byte_by_byte_is_read(project: Path) -> None:
    async with serving(project) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        for byte in HEAD + b"content-length: 40\r\n\r\n" + question_of(40):
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_half_a_body_is_no_question(project: Path) -> None:
    async with serving(project) as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"content-length: 4000\r\n\r\n" + question_of(40))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with server.ask("Only this one?") as response:
            assert response.status == 200
        await until(lambda: traces(project))
    assert [one.input for one in traces(project)] == [{"question": "Only this one?"}]

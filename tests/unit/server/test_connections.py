"""A client's connection, over real sockets: what is not HTTP, what is late, in which order it goes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from buttress.server.bells import Bell
from buttress.server.bodies import Message, Receive, Send
from buttress.server.connections import MAX_HEAD_BYTES, connection_class
from buttress.settings.tree import ServerSettings
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import listening, send_raw, serving, traces, write_project
from tests.waiting import until

pytestmark = pytest.mark.slow  # it waits for real seconds to pass


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), id="TLS"),
        pytest.param(b"hello?\r\n\r\n", id="words"),
        pytest.param(b"GET \xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n", id="a path that is no text"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n", id="half a host"),
        pytest.param(b"CONNECT example.org:80 HTTP/1.1\r\nhost: localhost\r\n\r\n", id="a proxy is wanted"),
        pytest.param(b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", id="two lengths"),
        pytest.param(b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", id="less than nothing"),
        pytest.param(b"POST / HTTP/1.1\r\ncontent-length: 1e3\r\n\r\n", id="a length in figures of speech"),
        pytest.param(
            b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(
            b"POST /v1/features/chat HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            id="chunks of no size",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nhost: localhost\r\nname\x00: x\r\n\r\n", id="NUL in a header's name"
        ),
    ],
)
async def test_what_is_no_http_is_answered_as_an_error_and_hung_up_on(project: Path, data: bytes) -> None:
    async with serving(project) as server:
        said = await send_raw(server.address, data)
        head, body = said.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body)["error"]["code"] == "server.no_http"
        async with server.ask("Still there?") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nlong: " + b"x" * (MAX_HEAD_BYTES * 20), id="one long header"),
        pytest.param(b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES, id="many short headers"),
        pytest.param(b"GET /" + b"x" * (MAX_HEAD_BYTES * 20), id="an endless path"),
    ],
)
async def test_headers_have_a_bound(project: Path, head: bytes) -> None:
    async with serving(project) as server:
        said = await send_raw(server.address, head)
        # Who still sends when it is refused may see its connection reset before it reads the answer.
        assert not said or (said.startswith(b"HTTP/1.1 431 ") and b"server.head_too_large" in said)
        async with server.ask("Still there?") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n", id="headers without an end"),
        pytest.param(b"GET /hea", id="half a request line"),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /he",
            id="the second request of a connection",
        ),
    ],
)
async def test_headers_that_do_not_arrive_are_not_waited_for(project: Path, head: bytes) -> None:
    async with serving(project, head_timeout_s=0.3) as server:
        said = await send_raw(server.address, head)
        last = said[said.rindex(b"HTTP/1.1 ") :]
        assert last.startswith(b"HTTP/1.1 408 ")
        assert b"server.head_timeout" in last
        async with server.ask("Still there?") as response:
            assert response.status == 200


async def test_headers_that_drip_are_not_waited_for(project: Path) -> None:
    """Each byte is in time; all together are not."""
    async with serving(project, head_timeout_s=0.5) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            dripping = group.create_task(_drip(writer, b"GET /healthz HTTP/1.1\r\n"))
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
            dripping.cancel()
        writer.close()


async def test_a_body_that_drips_is_not_waited_for(project: Path) -> None:
    head = b"POST /v1/features/chat HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"
    async with serving(project, body_timeout_s=0.5) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(head)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            dripping = group.create_task(_drip(writer, b" "))
            said = await reader.readuntil(b"}}")
            dripping.cancel()
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"server.body_timeout" in said
        assert b"connection: close" in said
        writer.close()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send `data` again and again, a byte at a time."""
    while True:
        for number in data:
            writer.write(bytes([number]))
            await asyncio.sleep(0.02)


async def test_a_client_that_does_not_read_its_answer_does_not_keep_a_model_for_ever(project: Path) -> None:
    endless = [Reply(chunks=tuple("x" * 10_000 for _ in range(10_000)))]
    async with ScriptedUpstream(endless) as upstream:
        write_project(project, upstream.url)
        async with serving(project, send_timeout_s=0.5) as server:
            body = b'{"model": "scripted", "stream": true, "messages": [{"role": "user", "content": "Hi?"}]}'
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(head % len(body) + body)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")  # and no more
            await until(lambda: upstream.received and upstream.received[0].hung_up.is_set())
            await until(lambda: [one.outcome for one in traces(project)] == ["cancelled"])
            writer.close()


async def test_a_client_that_reads_slowly_gets_its_whole_answer(project: Path) -> None:
    long = [Reply(chunks=tuple("x" * 10_000 for _ in range(300)))]
    async with ScriptedUpstream(long) as upstream:
        write_project(project, upstream.url)
        async with serving(project, send_timeout_s=1.0) as server:
            body = b'{"model": "scripted", "stream": true, "messages": [{"role": "user", "content": "Hi?"}]}'
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
            said = bytearray()
            while piece := await reader.read(200_000):
                said += piece
                await asyncio.sleep(0.02)
            writer.close()
    assert b"[DONE]" in said


async def test_a_slow_answer_outlives_the_time_for_headers(project: Path) -> None:
    """Also where the next request has begun already."""
    slow = [Reply(chunks=("One. ", "Two."), chunk_delay_s=0.5)]
    async with ScriptedUpstream(slow) as upstream:
        write_project(project, upstream.url)
        async with serving(project, head_timeout_s=0.2) as server:
            body = b'{"input": {"question": "Hi?"}}'
            head = b"POST /v1/features/chat HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(
                body
            )
            said = await send_raw(server.address, head + body + b"GET /healthz HT")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"One. Two." in said


async def test_large_headers_within_the_bound_are_taken(project: Path) -> None:
    headers = {f"x-{number}": "y" * 2_000 for number in range(20)}
    async with serving(project) as server:
        for _ in range(3):
            async with server.session.get(f"{server.url}/healthz", headers=headers) as response:
                assert response.status == 200


async def test_requests_on_one_connection_are_answered_in_their_order(project: Path) -> None:
    get = b"GET /%b HTTP/1.1\r\nhost: localhost\r\n\r\n"
    last = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    async with serving(project) as server:
        said = await send_raw(server.address, get % b"healthz" + get % b"nowhere" + last)
    assert said.index(b'"ok"') < said.index(b"server.route_unknown") < said.index(b'"ready"')


def answering(*messages: Message) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """Return an application that answers every request with these messages."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] == "http":
            for message in messages:
                await send({**message})

    return application


GET = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    """Return the message that begins an answer."""
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def body(data: bytes, *, more: bool = False) -> Message:
    """Return a piece of an answer."""
    return {"type": "http.response.body", "body": data, "more_body": more}


LENGTH = (b"content-length", b"2")


@pytest.mark.parametrize(
    ("method", "messages", "end"),
    [
        pytest.param(b"GET", [start(LENGTH), body(b"ok")], b"\r\n\r\nok", id="of a known length"),
        pytest.param(b"GET", [start(), body(b"ok")], b"\r\n\r\n2\r\nok\r\n0\r\n\r\n", id="one chunk"),
        pytest.param(
            b"GET",
            [start(), body(b"o", more=True), body(b"", more=True), body(b"k", more=True), body(b"")],
            b"\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            id="several chunks: an empty one is left out, or it would be the end",
        ),
        pytest.param(b"HEAD", [start(LENGTH), body(b"ok")], b"2\r\nconnection: close\r\n\r\n", id="HEAD"),
        pytest.param(b"HEAD", [start(), body(b"ok")], b"close\r\n\r\n", id="HEAD of no length"),
        pytest.param(b"GET", [start(status=204), body(b"")], b"close\r\n\r\n", id="nothing"),
    ],
)
async def test_an_answer_is_framed(method: bytes, messages: Sequence[Message], end: bytes) -> None:
    async with listening(answering(*messages), ServerSettings(), Bell()) as url:
        said = await send_raw(_address(url), GET.replace(b"GET", method))
    assert said.endswith(end)
    assert (b"chunked" in said) == end.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param([start((b"x-name", b"a\r\nx-other: b")), body(b"ok")], b" 500 ", id="two lines"),
        pytest.param([start(LENGTH), body(b"long")], b"", id="longer than its head says"),
        pytest.param([start(LENGTH), body(b"o")], b"", id="shorter than its head says"),
        pytest.param([start(LENGTH)], b"", id="never begun"),
        pytest.param([], b" 500 ", id="not answered at all"),
    ],
)
async def test_a_mistake_of_ours_does_not_reach_a_client_as_an_answer(
    messages: Sequence[Message], said: bytes
) -> None:
    async with listening(answering(*messages), ServerSettings(), Bell()) as url:
        heard = await send_raw(_address(url), GET)
    assert said in heard
    assert b"x-other" not in heard
    assert b" 200 " not in heard


async def test_what_is_said_without_a_pause_does_not_wait_for_what_comes_later() -> None:
    later = asyncio.Event()

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(start())
        for word in (b"One. ", b"Two. ", b"Three. "):
            await send(body(word, more=True))
        await later.wait()
        await send(body(b"Four."))

    async with listening(application, ServerSettings(), Bell()) as url:
        reader, writer = await asyncio.open_connection(*_address(url))
        writer.write(GET)
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"One. \r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readuntil(b"Three. \r\n") == b"5\r\nTwo. \r\n7\r\nThree. \r\n"
            later.set()
            assert await reader.read() == b"5\r\nFour.\r\n0\r\n\r\n"
        writer.close()


class Written(asyncio.Transport):
    """A transport that keeps what is written to it, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.writes.append(b"".join(list_of_data))


async def test_the_first_words_leave_at_once_and_those_that_come_with_them_together() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(start())
        for _ in range(2):
            for word in (b"a", b"b", b"c"):
                await send(body(word, more=True))
            await asyncio.sleep(0.01)
        await send(body(b"end"))

    config = uvicorn.Config(application, http=connection_class(ServerSettings()), log_config=None)
    config.load()
    written = Written()
    connection = connection_class(ServerSettings())(config, ServerState(), {})
    connection.connection_made(written)
    connection.data_received(GET.replace(b"connection: close\r\n", b""))
    await until(lambda: written.writes and written.writes[-1].endswith(b"0\r\n\r\n"))
    connection.connection_lost(None)
    head, *rest = written.writes
    assert head.endswith(b"\r\n\r\n1\r\na\r\n")
    together = b"1\r\nb\r\n1\r\nc\r\n"
    assert rest == [together, b"1\r\na\r\n", together, b"3\r\nend\r\n0\r\n\r\n"]


async def test_who_never_pauses_is_made_to_where_a_client_does_not_read() -> None:
    said = list[int]()

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(start())
        while True:
            await send(body(bytes(10_000), more=True))
            said.append(10_000)
            if sum(said) > 100_000_000:
                return

    async with listening(application, ServerSettings(), Bell()) as url:
        _, writer = await asyncio.open_connection(*_address(url), limit=1_024)
        writer.write(GET)
        await until(lambda: sum(said) > 100_000)
        await asyncio.sleep(0)
        assert sum(said) < 100_000_000
        writer.transport.abort()


async def test_a_connection_that_nobody_uses_is_closed_and_one_in_use_is_not() -> None:
    async with listening(answering(start(LENGTH), body(b"ok")), ServerSettings(), Bell()) as url:
        reader, writer = await asyncio.open_connection(*_address(url))
        for pause_s in (3.0, 0.0):
            writer.write(GET.replace(b"connection: close\r\n", b""))
            assert (await reader.readuntil(b"ok")).endswith(b"ok")
            await asyncio.sleep(pause_s)
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - began > 4
        writer.close()


async def test_a_connection_is_kept_until_either_side_wants_to_close_it() -> None:
    twice = GET.replace(b"connection: close\r\n", b"") + GET
    closing = answering(start(LENGTH, (b"connection", b"close")), body(b"ok"))
    async with listening(closing, ServerSettings(), Bell()) as url:
        assert (await send_raw(_address(url), twice)).count(b" 200 ") == 1
    async with listening(answering(start(LENGTH), body(b"ok")), ServerSettings(), Bell()) as url:
        said = await send_raw(_address(url), twice)
    assert said.count(b" 200 ") == 2
    assert said.count(b"connection: close") == 1


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)

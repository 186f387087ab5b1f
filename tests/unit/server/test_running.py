"""uvicorn on real ports: who has a port, what is not HTTP, and the end of a server."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from buttress.server.errors import HostUnknown, PortTaken, RemoteWithoutKeys
from buttress.server.running import MAX_HEAD_BYTES, require_local, reserve_port, shared_socket, url_of
from buttress.settings.tree import ServerSettings
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import events_of, eventually, send_raw, serving, traces, write_project

pytestmark = pytest.mark.slow  # it waits for real seconds to pass


HOST = "127.0.0.1"


@pytest.fixture
def reserved() -> Iterator[socket.socket]:
    """A port that is kept for the workers of a project."""
    with reserve_port(HOST, 0) as found:
        yield found


def port_of(found: socket.socket) -> int:
    """Return the port a socket is bound to."""
    port: int = found.getsockname()[1]
    return port


def test_workers_share_the_port_that_is_kept_for_them(reserved: socket.socket) -> None:
    with shared_socket(HOST, port_of(reserved)) as one, shared_socket(HOST, port_of(reserved)) as two:
        assert port_of(one) == port_of(two) == port_of(reserved)


def test_nobody_answers_on_a_kept_port_before_a_worker_listens(reserved: socket.socket) -> None:
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((HOST, port_of(reserved)))


def test_a_second_project_does_not_get_a_kept_port(reserved: socket.socket) -> None:
    """Neither before its workers listen, nor when they do: questions would go to either project by chance."""
    with pytest.raises(PortTaken, match=str(port_of(reserved))):
        reserve_port(HOST, port_of(reserved))
    with shared_socket(HOST, port_of(reserved)), pytest.raises(PortTaken):
        reserve_port(HOST, port_of(reserved))


def test_a_port_of_another_program_is_taken() -> None:
    with socket.create_server((HOST, 0)) as other:
        with pytest.raises(PortTaken, match="cannot listen on"):
            reserve_port(HOST, port_of(other))
        with pytest.raises(PortTaken):
            shared_socket(HOST, port_of(other))


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(HostUnknown, match=r"192\.0\.2\.1"):
        reserve_port("192.0.2.1", 0)


def test_a_host_that_nobody_has_cannot_be_listened_on() -> None:
    with pytest.raises(HostUnknown, match="no-such-host"):
        reserve_port("no-such-host.invalid", 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_this_machine_may_be_listened_on_without_keys(host: str) -> None:
    require_local(ServerSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"])  # noqa: S104 - refused
def test_where_others_reach_us_is_listened_on_only_when_that_is_said(host: str) -> None:
    with pytest.raises(RemoteWithoutKeys, match=host):
        require_local(ServerSettings(host=host))
    require_local(ServerSettings(host=host, allow_remote_without_keys=True))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8700", id="IPv4"),
        pytest.param("::1", "http://[::1]:8700", id="IPv6 stands in brackets"),
        pytest.param("localhost", "http://localhost:8700", id="a name"),
    ],
)
def test_where_a_server_is_reached(host: str, url: str) -> None:
    assert url_of(host, 8700) == url


def test_a_port_of_ipv6_is_kept() -> None:
    with reserve_port("::1", 0) as kept, shared_socket("::1", port_of(kept)) as shared:
        assert port_of(shared) == port_of(kept)


async def test_a_port_is_free_again_at_once_after_connections_were_open(project: Path) -> None:
    async with serving(project) as server:
        port = server.address[1]
        async with server.ask("Hi?") as response:
            assert response.status == 200
        _, writer = await asyncio.open_connection(HOST, port)
    writer.close()
    with reserve_port(HOST, port) as reserved:
        assert port_of(reserved) == port


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
            await eventually(lambda: upstream.received and upstream.received[0].hung_up.is_set())
            await eventually(lambda: [one.outcome for one in traces(project)] == ["cancelled"])
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_answers_that_run_may_finish_when_the_server_is_told_to_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    reply = Reply(chunks=("One. ", "Two. ", "Three."), chunk_delay_s=0.3)
    async with ScriptedUpstream([reply]) as upstream:
        project = write_project(tmp_path, upstream.url)
        async with serving(project, drain_s=10) as server, server.ask("Hi?", stream=True) as response:
            await _began(response)
            os.kill(os.getpid(), number)
            events = await events_of(response)
            with socket.socket() as client, pytest.raises(ConnectionRefusedError):
                client.connect(server.address)
    assert events[-1][0] == "ended"
    assert [one.outcome for one in traces(project)] == ["answered"]


async def test_answers_that_take_too_long_are_cut_when_the_server_stops_and_say_so(tmp_path: Path) -> None:
    async with ScriptedUpstream([Reply(chunks=("One. ", "Two. "), ending="stall", after=2)]) as upstream:
        project = write_project(tmp_path, upstream.url)
        loop = asyncio.get_running_loop()
        async with serving(project, drain_s=0.4) as server, server.ask("Hi?", stream=True) as response:
            await _began(response)
            told = loop.time()
            os.kill(os.getpid(), signal.SIGTERM)
            events = await events_of(response)
            assert 0.3 < loop.time() - told < 2
            await eventually(upstream.received[0].hung_up.is_set, 1.0)
    assert events[-1][0] == "error"
    assert "server.stopping" in str(events[-1])
    assert [one.outcome for one in traces(project)] == ["cancelled"]


async def _began(response: aiohttp.ClientResponse) -> None:
    """Read the first two events: the call has begun, and there is text."""
    for name in (b"began", b"text"):
        assert name in await response.content.readuntil(b"\n\n")


async def test_connections_without_a_request_do_not_hold_up_the_end(project: Path) -> None:
    loop = asyncio.get_running_loop()
    async with serving(project, drain_s=10) as server:
        async with server.ask("Hi?") as response:
            assert response.status == 200
        _, writer = await asyncio.open_connection(*server.address)
        told = loop.time()
    assert loop.time() - told < 2
    writer.close()

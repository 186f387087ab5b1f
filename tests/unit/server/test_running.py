"""uvicorn on real ports: who has a port, what is not HTTP, and the end of a server."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from buttress.server.errors import HostUnknown, PortTaken, RemoteWithoutKeys
from buttress.server.running import is_local, require_local, reserve_port, shared_socket, url_of
from buttress.settings.tree import ServerSettings
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import events_of, serving, traces, write_project
from tests.waiting import until

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
    require_local(ServerSettings(host=host, keys="never"))
    assert is_local(ServerSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"])  # noqa: S104 - refused
def test_where_others_reach_us_is_listened_on_only_with_keys(host: str) -> None:
    with pytest.raises(RemoteWithoutKeys, match=host):
        require_local(ServerSettings(host=host, keys="never"))
    require_local(ServerSettings(host=host))
    require_local(ServerSettings(host=host, keys="always"))


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
            await until(upstream.received[0].hung_up.is_set, 1.0)
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

"""The blocking client, against a real server."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from buttress.client.errors import AnswerCut, BadAddress, CallRefused, NotButtress, ServerAway
from buttress.client.http import Client
from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.messages import Message
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.unit.server.serving import serving, traces, write_project
from tests.waiting import until

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together


HELLO = {"question": "Say hello."}


class TestAServer:
    """Somebody who answers."""

    async def test_ask(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream, serving(write_project(tmp_path, upstream.url)) as served:
            answer = await asyncio.to_thread(Client(served.url).ask, "chat", HELLO, user="ada")
        assert isinstance(answer, Answer)
        assert (answer.text, answer.outcome) == ("Hello world.", "answered")
        assert traces(tmp_path)[0].user_id == "ada"

    async def test_stream(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream, serving(write_project(tmp_path, upstream.url)) as served:
            events = await asyncio.to_thread(lambda: list(Client(served.url).stream("chat", HELLO)))
        assert isinstance(events[0], Began)
        assert isinstance(events[-1], Ended)
        assert "".join(one.text for one in events if isinstance(one, Text)) == events[-1].answer.text

    async def test_leaving_early_cancels_the_work(self, tmp_path: Path) -> None:
        reply = Reply(chunks=("One is here. ", "Two. ", "Three."), ending="stall", after=2)
        async with (
            ScriptedUpstream([reply]) as upstream,
            serving(write_project(tmp_path, upstream.url)) as served,
        ):

            def first_text() -> Event:
                with closing(Client(served.url).stream("chat", HELLO)) as events:
                    return next(one for one in events if isinstance(one, Text))

            assert await asyncio.to_thread(first_text) == Text("One is here.")
            await until(lambda: upstream.running == 0)
            await until(lambda: [one.outcome for one in traces(tmp_path)] == ["cancelled"])

    async def test_a_refusal_is_told(self, tmp_path: Path) -> None:
        async with serving(write_project(tmp_path)) as served:
            for ask in (Client(served.url).ask, lambda *what: list(Client(served.url).stream(*what))):
                with pytest.raises(CallRefused) as refused:
                    await asyncio.to_thread(ask, "chta/../x", HELLO)
                assert (refused.value.status, refused.value.told.code) == (404, "gateway.feature_unknown")
                assert refused.value.hint


async def test_threads_may_share_a_client(tmp_path: Path) -> None:
    def echo(received: Received) -> Reply:
        return Reply(chunks=("You said ", received.question, "."))

    async with ScriptedUpstream(echo) as upstream, serving(write_project(tmp_path, upstream.url)) as served:
        ask, loop = Client(served.url).ask, asyncio.get_running_loop()
        with ThreadPoolExecutor(8) as threads:  # not the loop's own: the server needs that
            asked = [{"question": f"n{number}"} for number in range(8)]
            asking = (loop.run_in_executor(threads, ask, "chat", one) for one in asked)
            answers = await asyncio.gather(*asking)
    assert [one.text for one in answers] == [f"You said n{number}." for number in range(8)]


class TestNobody:
    """No server, or none of ours."""

    def test_nobody_listens(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(ServerAway, match=str(port)):
            Client(f"http://127.0.0.1:{port}").ask("chat", HELLO)

    def test_nobody_answers(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
            with pytest.raises(ServerAway, match=r"0\.2 s"):
                client.ask("chat", HELLO)

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            pytest.param(b"SSH-2.0-OpenSSH\r\n", ServerAway, id="another protocol"),
            pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", NotButtress, id="another server"),
            pytest.param(
                b'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"text":"\xff"}', NotButtress, id="no text"
            ),
            pytest.param(
                b"HTTP/1.1 502 Bad\r\ncontent-length: 2\r\n\r\nhi", NotButtress, id="a proxy's page"
            ),
            pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", AnswerCut, id="cut"),
        ],
    )
    def test_what_answers_is_something_else(self, said: bytes, error: type[Exception]) -> None:
        with a_server_that_says(said) as address, pytest.raises(error):
            Client(address).ask("chat", HELLO)

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(
                b'event: began\ndata: {"type":"began","trace_id":"tr_1"}\n\n', id="only its beginning"
            ),
            pytest.param(b'event: began\ndata: {"type":"began","trace_id":"tr_1"}', id="half an event"),
        ],
    )
    def test_a_stream_without_its_end_is_no_answer(self, said: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        with a_server_that_says(head + said) as address, pytest.raises(AnswerCut):
            list(Client(address).stream("chat", HELLO))

    @pytest.mark.parametrize(
        "address", ["", "127.0.0.1:8700", "ftp://a", "http://", "http://a:b", "http://[::1"]
    )
    def test_what_is_no_address(self, address: str) -> None:
        with pytest.raises(BadAddress):
            Client(address)


@contextmanager
def a_server_that_says(words: bytes) -> Iterator[str]:
    """Answer one connection with `words`, whatever it asks, and close it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(words)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


@pytest.mark.slow
async def test_history_and_conversation_are_told(tmp_path: Path) -> None:
    history = (Message("user", "One?"), Message("assistant", "1."))

    def talk(url: str) -> None:
        with Client(url) as client:
            client.ask("chat", {"question": "Two?"}, user="ada", history=history, conversation="c1")
            list(client.stream("chat", {"question": "Three?"}, user="ada", conversation="c1"))

    async with ScriptedUpstream() as upstream:
        project = write_project(tmp_path, upstream.url)
        (project / "buttress.yaml").write_text("prompts: {memory: {timeout_s: 10, open_timeout_s: 60}}\n")
        async with serving(project) as served:
            await asyncio.to_thread(talk, served.url)
        told = [msgspec.convert(one.body["messages"], list[Message]) for one in upstream.received]
    assert [[one.content for one in messages] for messages in told] == [
        ["One?", "1.", "Two?"],
        ["Two?", "Hello world.", "Three?"],
    ]

"""Events over a real socket, from streams that end in every way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from buttress.gateway.errors import FeatureUnknown
from buttress.gateway.types import Answer, Began, Ended, Event, Progressed, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import ReleaseId, TraceId
from buttress.kernel.usage import Usage
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message, Receive, Send, send_error
from buttress.server.connections import GONE
from buttress.server.streaming import stream_events
from buttress.settings.tree import ServerSettings
from tests.unit.server.serving import events_of, listening
from tests.waiting import until

pytestmark = pytest.mark.slow

BEGAN = Began(TraceId("tr_1"))
ENDED = Ended(
    Answer(
        trace_id=TraceId("tr_1"),
        feature="chat",
        release_id=ReleaseId("rel_1"),
        text="Hello.",
        outcome="answered",
        reason="",
        citations=(),
        passages=(),
        model=None,
        usage=Usage(),
        cost_nanodollars=None,
        duration_ms=1.0,
    )
)


class Stream:
    """A stream of events, then an error or, with None, a wait for ever; knows whether it was closed."""

    def __init__(self, events: list[Event], then: Exception | None) -> None:
        self._events = events
        self._then = then
        self.ended_by = ""

    async def run(self) -> AsyncGenerator[Event, None]:
        try:
            for event in self._events:
                yield event
            await self._end()
        except BaseException as error:
            self.ended_by = type(error).__name__
            raise

    async def _end(self) -> None:
        if self._then is None:
            await asyncio.Event().wait()
        elif not isinstance(self._then, StopAsyncIteration):
            raise self._then


@asynccontextmanager
async def answering(stream: Stream, draining: Bell) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Serve `stream` at every path."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        try:
            state = scope["state"]
            assert isinstance(state, dict)
            await stream_events(stream.run(), send, Attention(state[GONE], draining))
        except ButtressError as error:
            await send_error(send, error)
        except ConnectionResetError:
            pass

    async with (
        listening(application, ServerSettings(), draining) as url,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield session, url


DONE = StopAsyncIteration()


async def events_from(stream: Stream) -> list[tuple[str, dict[str, object]]]:
    """Return the events that a client sees."""
    async with answering(stream, Bell()) as (session, url), session.get(url) as response:
        assert response.status == 200
        return await events_of(response)


async def test_events_come_in_order_and_whole() -> None:
    texts: list[Event] = [Text(f"part {number}\n\nevent: ended\n") for number in range(2_000)]
    events = await events_from(Stream([BEGAN, *texts, ENDED], DONE))
    assert [name for name, _ in events] == ["began", *["text"] * 2_000, "ended"]
    assert [data["text"] for name, data in events if name == "text"] == [
        f"part {number}\n\nevent: ended\n" for number in range(2_000)
    ]


async def test_how_far_a_reading_is_comes_before_there_is_text() -> None:
    progress = Progressed("pieces", 3, 40)
    events = await events_from(Stream([BEGAN, progress, Text("Hello."), ENDED], DONE))
    assert [name for name, _ in events] == ["began", "progressed", "text", "ended"]
    assert msgspec.convert(events[1][1], Event) == progress


@pytest.mark.parametrize(
    ("then", "code"),
    [
        pytest.param(FeatureUnknown("gone"), "gateway.feature_unknown", id="an error that was foreseen"),
        pytest.param(LookupError("six of five"), "server.failed", id="a mistake of ours"),
        pytest.param(ExceptionGroup("two", [ValueError("x")]), "server.failed", id="a group of mistakes"),
    ],
)
async def test_a_stream_that_fails_ends_with_an_error_and_without_an_end(then: Exception, code: str) -> None:
    events = await events_from(Stream([BEGAN, Text("Hel")], then))
    assert [name for name, _ in events] == ["began", "text", "error"]
    error = events[-1][1]["error"]
    assert isinstance(error, dict)
    assert error["code"] == code


@pytest.mark.parametrize(
    "events", [[], [BEGAN]], ids=["before any event", "before there is anything to tell"]
)
async def test_a_refusal_keeps_its_status(events: list[Event]) -> None:
    stream = Stream(events, FeatureUnknown("no such feature"))
    async with answering(stream, Bell()) as (session, url), session.get(url) as response:
        assert (response.status, response.content_type) == (404, "application/json")


@pytest.mark.parametrize(
    "events", [[], [BEGAN], [BEGAN, Text("Hel")]], ids=["at once", "soon", "in the middle"]
)
async def test_a_client_that_hangs_up_closes_the_stream(events: list[Event]) -> None:
    stream = Stream(events, None)
    async with answering(stream, Bell()) as (session, url):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), session.get(url) as response:
                await response.read()
        await until(lambda: stream.ended_by, 1.0)
    assert stream.ended_by == "CancelledError"


async def test_a_client_that_reads_nothing_and_hangs_up_closes_the_stream() -> None:
    texts: list[Event] = [Text("x" * 100_000) for _ in range(500)]
    stream = Stream([BEGAN, *texts], None)
    async with answering(stream, Bell()) as (session, url):
        response = await session.get(url)
        await asyncio.sleep(0.1)
        response.close()
        await until(lambda: stream.ended_by, 1.0)
    assert stream.ended_by in ("CancelledError", "GeneratorExit")


async def test_a_stream_that_is_cut_by_the_end_of_the_server_says_so() -> None:
    stream, draining = Stream([BEGAN, Text("Hel")], None), Bell()
    async with answering(stream, draining) as (session, url), session.get(url) as response:
        await response.content.readuntil(b"Hel")
        draining.ring()
        rest = await response.text()
    assert rest.split("\n\n")[1].startswith("event: error\n")
    assert "server.stopping" in rest
    assert "ended" not in rest
    assert stream.ended_by == "CancelledError"

"""A client hangs up on `buttress serve`: its upstream is hung up on at once, and what was produced is paid.

At each door, whole and streamed, for each provider, and in whatever the call waits for.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator

import msgspec
import pytest

from buttress.tracing.types import Trace
from tests.flows.bench import FRESH, PROVIDERS, SLOTS, Bench, question
from tests.flows.doors import PATHS, WAYS, Door, load_of, request_of
from tests.flows.running import say
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WITHIN_S = 1.0
"""A tenth of it where the machine is at rest: what was measured is printed."""


@pytest.fixture(autouse=True)
async def _nothing_is_left(bench: Bench) -> AsyncIterator[None]:
    """After each test the server holds what it held, and its upstream has no connection."""
    yield
    await bench.comes_to_rest()


class Client:
    """A connection on which one thing was asked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def hear(self, word: bytes) -> None:
        """Wait for `word` of the answer."""
        await self._reader.readuntil(word)

    def leave(self, *, rudely: bool) -> float:
        """Hang up, with or without a word; return the moment."""
        now = asyncio.get_running_loop().time()
        if rudely:
            self._writer.transport.abort()
        else:
            self._writer.close()
        return now


async def asking(bench: Bench, door: Door, model: str, name: str, *, stream: bool) -> Client:
    """Ask `model` for `name`, and do not wait for the answer."""
    host, port = bench.served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = msgspec.json.encode(request_of(door, model, stream=stream, question=question(name)))
    head = f"POST {PATHS[door]} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    return Client(reader, writer)


async def visited(bench: Bench, name: str, count: int) -> None:
    """Wait until the upstream has been asked so often for `name`, by all providers together."""
    await until(
        lambda: sum(bench.visits(name, one) for one in PROVIDERS) >= count, 20, f"{count} requests for {name}"
    )


async def left(bench: Bench, name: str, before: int, count: int, left_at: float) -> list[float]:
    """Return how long it took until the upstream was hung up on, for each of `count` requests, in seconds."""
    moments = bench.left_at.setdefault(question(name).encode(), [])
    await until(lambda: len(moments) >= before + count, 20, f"{count} upstreams are hung up on")
    return [moment - left_at for moment in moments[before:]]


async def cancelled(bench: Bench, name: str, model: str, before: int, count: int) -> list[Trace]:
    """Return the newest traces of `model`, once there are so many more."""
    await until(lambda: len(bench.traces(name, model)) >= before + count, 20, f"{count} traces")
    return bench.traces(name, model)[before:]


@pytest.mark.parametrize("rudely", [False, True], ids=["says goodbye", "is just gone"])
@pytest.mark.parametrize("name", ["silence", "a head and silence", "silence in the middle"])
async def test_a_client_that_leaves_ends_its_upstreams_work_and_pays_for_it(
    bench: Bench, name: str, *, rudely: bool
) -> None:
    counts = {one: len(bench.traces(name, f"by-{one}")) for one in PROVIDERS}
    seen = sum(bench.visits(name, one) for one in PROVIDERS)
    hung_up = len(bench.left_at.get(question(name).encode(), []))
    async with asyncio.TaskGroup() as group:
        asked = [
            (stream, group.create_task(asking(bench, door, f"by-{one}", name, stream=stream)))
            for one in PROVIDERS
            for door, stream in WAYS
        ]
    await visited(bench, name, seen + len(asked))
    if name == "silence in the middle":
        for stream, task in asked:
            if stream:
                await task.result().hear(b"Hello")
    left_at = [task.result().leave(rudely=rudely) for _, task in asked]
    took = await left(bench, name, hung_up, len(asked), max(left_at))
    say(f"{name}: hung up on after {statistics.median(took) * 1e3:.0f} ms, {max(took) * 1e3:.0f} at most")
    assert max(took) < WITHIN_S
    for one in PROVIDERS:
        for trace in await cancelled(bench, name, f"by-{one}", counts[one], len(WAYS)):
            (attempt,) = trace.attempts
            assert (trace.outcome, trace.error_code) == ("cancelled", None), "ended by its client"
            assert attempt["outcome"] == "cancelled"
            assert attempt["is_estimated"]
            assert trace.usage.input
            assert trace.cost_nanodollars == trace.usage.input * 1_000 + trace.usage.output * 2_000
            assert trace.answer == ("Hello" if trace.usage.output else "")


async def test_what_was_said_until_then_is_paid_for(bench: Bench) -> None:
    name = "silence in the middle"
    before = len(bench.traces(name, "by-gemini"))
    client = await asking(bench, "messages", "by-gemini", name, stream=True)
    await client.hear(b"Hello")
    client.leave(rudely=False)
    (trace,) = await cancelled(bench, name, "by-gemini", before, 1)
    assert (trace.answer, trace.usage.output) == ("Hello", 2)


async def test_leaving_a_hedge_hangs_up_on_both_and_pays_for_both(bench: Bench) -> None:
    name = "silence"
    before, seen = len(bench.traces(name, "hedged")), sum(bench.visits(name, one) for one in PROVIDERS)
    hung_up = len(bench.left_at.get(question(name).encode(), []))
    client = await asking(bench, "responses", "hedged", name, stream=True)
    await visited(bench, name, seen + 2)
    took = await left(bench, name, hung_up, 2, client.leave(rudely=True))
    say(f"hedged: hung up on after {max(took) * 1e3:.0f} ms")
    assert max(took) < WITHIN_S
    (trace,) = await cancelled(bench, name, "hedged", before, 1)
    assert trace.outcome == "cancelled"
    assert sorted((one["model"], one["outcome"]) for one in trace.attempts) == [
        ("by-anthropic", "cancelled"),
        ("by-openai", "cancelled"),
    ]
    assert all(one["cost"] for one in trace.attempts)


async def test_leaving_the_line_before_a_model_costs_nothing(bench: Bench) -> None:
    """All places are taken by calls whose model says nothing; one more waits for its turn, and leaves."""
    name, waiting = "silence", "a good answer"
    before, seen = len(bench.traces(waiting, FRESH)), bench.visits(name, "gemini")
    asked_before = bench.visits(waiting, "gemini")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asking(bench, "chat", FRESH, name, stream=True)) for _ in range(SLOTS)]
    await until(lambda: bench.visits(name, "gemini") >= seen + SLOTS, 20, "all places are taken")
    client = await asking(bench, "chat", FRESH, waiting, stream=True)
    await _until_running(bench, SLOTS + 1)
    client.leave(rudely=False)
    (trace,) = await cancelled(bench, waiting, FRESH, before, 1)
    for task in tasks:
        task.result().leave(rudely=True)
    assert (trace.outcome, trace.cost_nanodollars, trace.usage.total) == ("cancelled", 0, 0)
    assert bench.visits(waiting, "gemini") == asked_before


async def _until_running(bench: Bench, count: int) -> None:
    async def are_running() -> bool:
        return (await load_of(bench.served)).running >= count

    await until(are_running, 20)

"""The local provider: OpenAI's format to wherever the process listens, and a gate before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, aclosing

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, TextDelta
from buttress.models import errors
from buttress.models.providers.local import Gate, LocalParts, LocalProvider
from buttress.models.settings import LocalSettings
from buttress.models.types import LocalAddress
from buttress.outbound.sessions import Sessions
from buttress.testing.clock import ManualClock
from buttress.testing.contracts.provider import ProviderCase, ProviderContract, collect, text_of, until
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.providers.asking import HOSTILE, ask, echo, http_parts

MODEL = Model(name="small", provider="local")


class At:
    """A `LocalServer` at an upstream; or away, when it is None."""

    def __init__(self, upstream: ScriptedUpstream | None) -> None:
        self.upstream = upstream

    def begin(self) -> None:
        return None

    async def address(self) -> LocalAddress:
        """See `LocalServer.address`."""
        if self.upstream is None:
            raise errors.LocalModelAway("nobody runs it")
        return LocalAddress(url=self.upstream.url.removesuffix("/v1"), token="a-token", pid=1)


def provider_at(upstream: ScriptedUpstream | None, sessions: Sessions, gate: Gate) -> LocalProvider:
    return LocalProvider(MODEL, LocalParts(server=At(upstream), gate=gate), http_parts(sessions))


def gate(places: int = 100) -> Gate:
    return Gate(LocalSettings(parallel=1, queue_length=places - 1))


class TestLocalKeepsTheContract(ProviderContract):
    """The contract, against an upstream that says what it is asked."""

    @pytest.fixture
    async def case(self, sessions: Sessions) -> AsyncIterator[ProviderCase]:
        one_gate = gate()
        async with ScriptedUpstream(echo) as upstream:
            yield ProviderCase(
                provider=provider_at(upstream, sessions, one_gate),
                exchanges=tuple((ask(text), text) for text in ("How much?", *HOSTILE)),
                is_at_rest=lambda: upstream.running == one_gate.taken == 0,
            )


async def test_it_shows_the_token_asks_for_a_bounded_stream_and_answers_by_its_name(
    sessions: Sessions,
) -> None:
    async with ScriptedUpstream() as upstream:
        events = await collect(provider_at(upstream, sessions, gate()), ask())
    received = upstream.received[0]
    assert received.headers["Authorization"] == "Bearer a-token"
    assert received.headers["Connection"] == "close"
    assert (received.body["stream"], received.body["max_tokens"]) == (True, 50)
    assert isinstance(events[-1], Finished)
    assert events[-1].model == "small"


async def test_one_too_many_is_told_at_once_and_costs_the_others_nothing(sessions: Sessions) -> None:
    two = gate(places=2)
    async with ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream, AsyncExitStack() as stack:
        provider = provider_at(upstream, sessions, two)
        for _ in range(2):
            await anext(await stack.enter_async_context(aclosing(provider.stream(ask()))))
        with pytest.raises(errors.ModelBusy, match="2 requests of this process wait for small already"):
            await collect(provider, ask())
        assert len(upstream.received) == upstream.running == 2
    assert two.taken == 0


@pytest.mark.parametrize(
    ("answer_s", "places"),
    [
        pytest.param(None, 10, id="before the first answer, as many as the settings say"),
        pytest.param(1.0, 10, id="quick answers: all of the queue"),
        pytest.param(7.0, 6, id="the seventh would begin after 21 s, and give up after 20 s"),
        pytest.param(25.0, 2, id="slow answers: nobody waits"),
    ],
)
def test_nobody_waits_whose_turn_would_not_come_in_time(answer_s: float | None, places: int) -> None:
    clock, bounded = ManualClock(), Gate(LocalSettings(parallel=2, queue_length=8))
    if answer_s:
        with bounded.place("small", clock, may_wait_s=20):
            clock.advance(answer_s)
    with ExitStack() as taken:
        for _ in range(places):
            taken.enter_context(bounded.place("small", clock, may_wait_s=20))
        with pytest.raises(errors.ModelBusy, match=f"{places} requests of this process"):
            taken.enter_context(bounded.place("small", clock, may_wait_s=20))
    assert bounded.taken == 0


def test_one_quick_answer_lets_others_wait_again() -> None:
    clock, bounded = ManualClock(), Gate(LocalSettings(parallel=1, queue_length=1))
    for answer_s in (30.0, 2.0):
        with bounded.place("small", clock, may_wait_s=20):
            clock.advance(answer_s)
    with bounded.place("small", clock, may_wait_s=20), bounded.place("small", clock, may_wait_s=20):
        assert bounded.taken == 2


async def test_a_place_is_free_again_after_every_way_out(sessions: Sessions) -> None:
    only = gate(places=1)
    async with ScriptedUpstream([Reply(status=500), Reply(ending="cut", after=1), Reply()]) as upstream:
        provider = provider_at(upstream, sessions, only)
        with pytest.raises(errors.LocalModelAway):
            await collect(provider, ask())
        with pytest.raises(errors.StreamCut):
            await collect(provider, ask())
        assert text_of(await collect(provider, ask())) == "Hello world."
        async with asyncio.TaskGroup() as group:
            task = group.create_task(collect(provider, ask()))
            await asyncio.sleep(0)
            task.cancel()
        await until(lambda: only.taken == 0)


async def test_a_process_that_is_not_there_is_away(sessions: Sessions) -> None:
    async with ScriptedUpstream() as upstream:
        gone = provider_at(upstream, sessions, gate())
    with pytest.raises(errors.LocalModelAway, match="the process of small does not answer"):
        await collect(gone, ask())
    with pytest.raises(errors.LocalModelAway, match="nobody runs it"):
        await collect(provider_at(None, sessions, gate()), ask())


async def test_what_breaks_in_the_middle_is_not_called_away(sessions: Sessions) -> None:
    async with ScriptedUpstream([Reply(ending="error", after=1)]) as upstream:
        stream = provider_at(upstream, sessions, gate()).stream(ask())
        assert await anext(stream) == TextDelta("Hello")
        with pytest.raises(errors.ModelUnavailable):
            await anext(stream)


async def test_a_prompt_that_is_too_long_exceeds_the_window(sessions: Sessions) -> None:
    reply = Reply(status=400, kind="exceed_context_size_error")
    async with ScriptedUpstream([reply]) as upstream:
        with pytest.raises(errors.WindowExceeded):
            await collect(provider_at(upstream, sessions, gate()), ask())

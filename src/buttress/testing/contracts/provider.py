"""What every `models.ports.Provider` promises."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing

import msgspec

from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.models.dialects.types import Tally
from buttress.models.ports import Provider

PATIENCE_S = 5.0
"""How long resources may take to be free again on a busy machine; they mostly take a millisecond."""


class ProviderCase(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, what it answers to what, and whether it is at rest.

    `exchanges` are two requests or more with the whole answer to each, hostile ones too. `is_at_rest`
    says whether no call of the provider is under way, as seen from the other side of it.
    """

    provider: Provider
    exchanges: tuple[tuple[ModelRequest, str], ...]
    is_at_rest: Callable[[], bool]


class ProviderContract:
    """Subclass it and give one fixture: `case`."""

    async def test_finished_comes_last_and_once(self, case: ProviderCase) -> None:
        for request, _ in case.exchanges:
            events = await collect(case.provider, request)
            assert [isinstance(event, Finished) for event in events] == [False] * (len(events) - 1) + [True]

    async def test_its_texts_joined_are_the_answer(self, case: ProviderCase) -> None:
        for request, answer in case.exchanges:
            assert text_of(await collect(case.provider, request)) == answer

    async def test_no_piece_of_text_is_empty(self, case: ProviderCase) -> None:
        for request, _ in case.exchanges:
            events = await collect(case.provider, request)
            assert all(event.text for event in events if isinstance(event, TextDelta))

    async def test_asked_again_it_answers_again(self, case: ProviderCase) -> None:
        request, answer = case.exchanges[0]
        first, second = await collect(case.provider, request), await collect(case.provider, request)
        assert text_of(first) == text_of(second) == answer

    async def test_streams_side_by_side_do_not_mix(self, case: ProviderCase) -> None:
        asked = case.exchanges * 4
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(case.provider, request)) for request, _ in asked]
        assert [text_of(task.result()) for task in tasks] == [answer for _, answer in asked]

    async def test_a_stream_that_is_never_read_asks_nobody(self, case: ProviderCase) -> None:
        stream = case.provider.stream(case.exchanges[0][0])
        assert case.is_at_rest()
        await stream.aclose()
        assert case.is_at_rest()

    async def test_closing_half_way_frees_everything(self, case: ProviderCase) -> None:
        for request, _ in case.exchanges:
            async with aclosing(case.provider.stream(request)) as stream:
                await anext(stream)
            await until(case.is_at_rest)

    async def test_closing_twice_is_closing_once(self, case: ProviderCase) -> None:
        stream = case.provider.stream(case.exchanges[0][0])
        await anext(stream)
        await stream.aclose()
        await stream.aclose()
        await until(case.is_at_rest)

    async def test_cancelling_who_waits_frees_everything(self, case: ProviderCase) -> None:
        request, _ = case.exchanges[0]
        async with asyncio.TaskGroup() as group:
            task = group.create_task(collect(case.provider, request))
            await asyncio.sleep(0)
            task.cancel()
        await until(case.is_at_rest)


async def collect(provider: Provider, request: ModelRequest) -> list[ModelEvent]:
    """Return all events of one answer; what was counted between them is left out."""
    async with aclosing(provider.stream(request)) as stream:
        return [event async for event in stream if not isinstance(event, Tally)]


def text_of(events: Iterable[object]) -> str:
    """Return the text that `events` say."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until `is_so`.

    Raises:
        TimeoutError: it is not so for PATIENCE_S.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for gives no sign
            await asyncio.sleep(0.002)

"""Work that somebody waits for."""

import asyncio

import pytest

from buttress.kernel.errors import ButtressError
from buttress.server.attending import attended
from buttress.server.bodies import Message
from buttress.server.errors import BodyInvalid, Failed, Stopping


class Client:
    """The receiving end of a request; `gone` says when the client hangs up."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._said_more = False

    async def receive(self) -> Message:
        if not self._said_more:  # an empty last part of the body may still come
            self._said_more = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Work:
    """Takes for ever, and knows whether it was cancelled."""

    cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_the_result_of_the_work_is_returned() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await attended(work(), Client().receive, asyncio.Event()) == 7


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(BodyInvalid("x"), BodyInvalid, id="a foreseen one as it is"),
        pytest.param(IndexError("x"), Failed, id="a mistake as one"),
        pytest.param(ConnectionResetError("x"), Failed, id="a lost upstream is not a lost client"),
    ],
)
async def test_an_error_of_the_work_is_raised_bare(error: Exception, kind: type[ButtressError]) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(kind):
        await attended(work(), Client().receive, asyncio.Event())


async def test_the_work_ends_when_its_client_has_gone() -> None:
    client, work = Client(), Work()
    asyncio.get_running_loop().call_later(0.01, client.gone.set)
    with pytest.raises(ConnectionResetError):
        await attended(work.run(), client.receive, asyncio.Event())
    assert work.cancelled


async def test_the_work_ends_when_the_time_of_the_server_is_up() -> None:
    draining, work = asyncio.Event(), Work()
    asyncio.get_running_loop().call_later(0.01, draining.set)
    with pytest.raises(Stopping):
        await attended(work.run(), Client().receive, draining)
    assert work.cancelled


async def test_the_work_ends_with_who_waits_for_it() -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await attended(work.run(), Client().receive, asyncio.Event())
    assert work.cancelled


async def test_work_that_was_done_when_its_client_left_counts_as_done() -> None:
    client = Client()

    async def work() -> int:
        client.gone.set()
        return 7

    assert await attended(work(), client.receive, asyncio.Event()) == 7

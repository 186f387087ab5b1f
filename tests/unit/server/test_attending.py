"""Work that somebody waits for."""

import asyncio

import pytest

from buttress.kernel.errors import ButtressError
from buttress.server.attending import Attention, attended
from buttress.server.bells import Bell
from buttress.server.errors import BodyInvalid, Failed, Stopping


def attention() -> Attention:
    return Attention(Bell(), Bell())


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

    assert await attended(work(), attention()) == 7


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(BodyInvalid("x"), BodyInvalid, id="a foreseen one as it is"),
        pytest.param(IndexError("x"), Failed, id="a mistake as one"),
        pytest.param(NameError("x"), Failed, id="a name that nobody gave"),
        pytest.param(ImportError("x"), Failed, id="a module that is not there"),
        pytest.param(ConnectionResetError("x"), Failed, id="a lost upstream is not a lost client"),
    ],
)
async def test_an_error_of_the_work_is_raised_bare(error: Exception, kind: type[ButtressError]) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(kind):
        await attended(work(), attention())


async def test_the_work_ends_when_its_client_has_gone() -> None:
    heeded, work = attention(), Work()
    asyncio.get_running_loop().call_later(0.01, heeded.gone.ring)
    with pytest.raises(ConnectionResetError):
        await attended(work.run(), heeded)
    assert work.cancelled


async def test_the_work_ends_when_the_time_of_the_server_is_up() -> None:
    heeded, work = attention(), Work()
    asyncio.get_running_loop().call_later(0.01, heeded.draining.ring)
    with pytest.raises(Stopping):
        await attended(work.run(), heeded)
    assert work.cancelled


async def test_the_work_ends_with_who_waits_for_it() -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await attended(work.run(), attention())
    assert work.cancelled


async def test_work_that_was_done_when_its_client_left_counts_as_done() -> None:
    heeded = attention()

    async def work() -> int:
        heeded.gone.ring()
        return 7

    assert await attended(work(), heeded) == 7
    await asyncio.sleep(0)


@pytest.mark.parametrize(("bell", "kind"), [("gone", ConnectionResetError), ("draining", Stopping)])
async def test_work_for_somebody_who_has_gone_is_not_begun(bell: str, kind: type[Exception]) -> None:
    heeded, begun = attention(), list[int]()
    getattr(heeded, bell).ring()

    async def work() -> None:
        begun.append(1)

    with pytest.raises(kind):
        await attended(work(), heeded)
    assert not begun


async def test_work_that_ended_leaves_nobody_listening() -> None:
    heeded = attention()

    async def work() -> None:
        await asyncio.sleep(0)

    await attended(work(), heeded)
    heeded.gone.ring()
    heeded.draining.ring()
    await asyncio.sleep(0)


async def test_who_is_cancelled_by_somebody_else_too_is_cancelled() -> None:
    heeded, work = attention(), Work()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(attended(work.run(), heeded))
        await asyncio.sleep(0)
        heeded.gone.ring()
        task.cancel()
    assert task.cancelled()

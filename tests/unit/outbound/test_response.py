"""`outbound.response`: a body on its way in."""

import asyncio
import gzip
import zlib

import pytest

from buttress.outbound.faults import BrokenOff, NotHttp
from buttress.outbound.response import HIGH_WATER_BYTES, MAX_UNPACKED_BYTES, Response


class Valve:
    """A transport as far as a response knows it."""

    def __init__(self) -> None:
        self.is_open = True

    def pause_reading(self) -> None:
        """Close."""
        self.is_open = False

    def resume_reading(self) -> None:
        """Open."""
        self.is_open = True


def response(**headers: str) -> Response:
    return Response(200, {name.replace("_", "-"): value for name, value in headers.items()}, Valve())


async def test_what_came_is_read_in_one_piece_then_nothing() -> None:
    answer = response()
    answer.feed(b"a")
    answer.feed(b"b")
    answer.end()
    assert (await answer.some(), await answer.some()) == (b"ab", b"")


async def test_who_waits_is_woken() -> None:
    answer = response()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(answer.some())
        await asyncio.sleep(0)
        answer.feed(b"late")
    assert reading.result() == b"late"


async def test_what_came_before_a_fault_is_read_first() -> None:
    answer = response()
    answer.feed(b"half")
    answer.fail(BrokenOff("gone"))
    assert await answer.some() == b"half"
    with pytest.raises(BrokenOff, match="gone"):
        await answer.some()


async def test_an_upstream_that_is_too_fast_is_made_to_wait() -> None:
    valve = Valve()
    answer = Response(200, {}, valve)
    answer.feed(bytes(HIGH_WATER_BYTES + 1))
    assert not valve.is_open
    await answer.some()
    assert valve.is_open


async def test_the_whole_has_a_bound() -> None:
    answer = response()
    for _ in range(3):
        answer.feed(b"abc")
    answer.end()
    assert await answer.whole(7) == b"abcabca"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        pytest.param("gzip", gzip.compress(b"hello"), id="gzip"),
        pytest.param("x-gzip", gzip.compress(b"hello"), id="gzip by its old name"),
        pytest.param("deflate", zlib.compress(b"hello"), id="deflate"),
        pytest.param("Identity", b"hello", id="as it is"),
    ],
)
async def test_a_packed_body_is_unpacked(encoding: str, packed: bytes) -> None:
    answer = response(content_encoding=encoding)
    for at in range(len(packed)):
        answer.feed(packed[at : at + 1])
    answer.end()
    assert await answer.whole(100) == b"hello"


async def test_a_packed_body_that_is_cut_short_is_a_fault() -> None:
    answer = response(content_encoding="gzip")
    answer.feed(gzip.compress(b"hello " * 1_000)[:-4])
    answer.end()
    with pytest.raises(NotHttp, match="its end is missing"):
        await answer.whole(10_000)


async def test_a_packed_body_of_nothing_is_no_fault() -> None:
    """The answer to HEAD tells how the body would be packed that it does not have."""
    answer = response(content_encoding="gzip")
    answer.end()
    assert await answer.whole(100) == b""


async def test_a_body_that_is_not_packed_as_it_says_is_a_fault() -> None:
    answer = response(content_encoding="gzip")
    answer.feed(b"plain text, really")
    with pytest.raises(NotHttp, match="compressed"):
        await answer.some()


async def test_a_body_that_unpacks_to_a_thousand_times_as_much_does_not_fill_the_memory() -> None:
    answer = response(content_encoding="gzip")
    answer.feed(gzip.compress(bytes(2 * MAX_UNPACKED_BYTES)))
    with pytest.raises(NotHttp, match="unpacks to more than"):
        await answer.some()


def test_an_unknown_packing_is_a_fault() -> None:
    with pytest.raises(NotHttp, match="br"):
        response(content_encoding="br")


def test_the_kind_of_a_body_is_without_its_parameters() -> None:
    assert response(content_type="Text/Event-Stream; charset=utf-8").content_type == "text/event-stream"

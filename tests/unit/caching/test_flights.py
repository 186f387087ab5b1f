"""Equal calls share one answer: who leads, who follows, and what becomes of them when the leader goes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from buttress.caching.flights import Flights, Follower, Leader, letting_go
from tests.unit.caching.entries import a_key

PATIENCE_S = 30.0
Seats = Flights[str, str]


def lead(flights: Seats, digest: str = "d1") -> Leader[str, str]:
    """Return the leader of a flight that nobody leads yet."""
    seat = flights.join(a_key(digest))
    assert isinstance(seat, Leader)
    return seat


def follow(flights: Seats, digest: str = "d1") -> Follower[str, str]:
    """Return a follower of a flight that somebody leads."""
    seat = flights.join(a_key(digest))
    assert isinstance(seat, Follower)
    return seat


async def heard(seat: Follower[str, str], patience_s: float = PATIENCE_S) -> list[str]:
    """Return all that a follower hears."""
    async with aclosing(seat.pieces(patience_s)) as pieces:
        return [piece async for piece in pieces]


async def next_of(pieces: AsyncGenerator[str, None]) -> str:
    """Return the next piece."""
    return await anext(pieces)


async def test_followers_hear_each_piece_as_it_comes_and_late_ones_all() -> None:
    flights = Seats(10)
    leader, early = lead(flights), follow(flights)
    pieces = early.pieces(PATIENCE_S)
    leader.publish("one")
    assert await anext(pieces) == "one"
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(next_of(pieces))
        await asyncio.sleep(0)
        leader.publish("two")
    assert waiting.result() == "two"
    late = follow(flights)
    leader.finish("one two")
    assert [piece async for piece in pieces] == []
    assert await heard(late) == ["one", "two"]
    assert (early.end, early.result, late.result) == ("whole", "one two", "one two")


async def test_behind_its_end_the_next_one_leads() -> None:
    flights = Seats(10)
    lead(flights).finish("done")
    lead(flights)
    assert len(flights) == 1


async def test_who_leaves_leaves_it_to_the_first_who_asks_again() -> None:
    flights = Seats(10)
    leader, one, other = lead(flights), follow(flights), follow(flights)
    leader.publish("said")
    leader.leave()
    assert await heard(one) == await heard(other) == ["said"]
    assert (one.end, one.result) == ("left", None)
    lead(flights)
    follow(flights)


async def test_a_failure_is_told() -> None:
    flights = Seats(10)
    leader, one = lead(flights), follow(flights)
    leader.fail()
    assert await heard(one) == []
    assert (one.end, one.result) == ("failed", None)


async def test_who_leads_silently_is_not_waited_for() -> None:
    flights = Seats(10)
    leader, one = lead(flights), follow(flights)
    leader.publish("said")
    assert await heard(one, 0.01) == ["said"]
    assert one.end == "late"


async def test_what_comes_behind_the_end_is_not_said() -> None:
    flights = Seats(10)
    leader, one = lead(flights), follow(flights)
    leader.finish("done")
    leader.publish("more")
    leader.fail()
    assert await heard(one) == []
    assert one.end == "whole"


async def test_a_late_end_takes_no_flight_from_the_next_leader() -> None:
    flights = Seats(10)
    before = lead(flights)
    before.finish("done")
    lead(flights)
    before.leave()
    assert isinstance(follow(flights), Follower)


async def test_other_keys_and_other_tenants_fly_apart_and_not_too_many_at_once() -> None:
    flights = Seats(2)
    lead(flights)
    assert isinstance(flights.join(a_key(tenant="other")), Leader)
    assert flights.join(a_key("d2")) is None
    follow(flights)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        pytest.param(asyncio.CancelledError(), "left", id="its client hung up"),
        pytest.param(GeneratorExit(), "left", id="nobody listens any more"),
        pytest.param(ValueError(), "failed", id="a failure"),
    ],
)
async def test_who_follows_is_let_go_when_the_leader_breaks_off(error: BaseException, end: str) -> None:
    flights = Seats(9)
    leader, follower = lead(flights), follow(flights)
    with pytest.raises(type(error)), letting_go(lambda: leader):
        raise error
    assert await heard(follower) == []
    assert (follower.end, len(flights)) == (end, 0)


def test_at_its_end_a_leader_is_left_alone() -> None:
    flights = Seats(9)
    with letting_go(lambda: lead(flights)), letting_go(lambda: None):
        pass
    assert len(flights) == 0

"""`models.deployments`, on a clock turned by hand."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.errors import ButtressError
from buttress.models.concurrency import Limit
from buttress.models.deployments import PROBE_S, Deployment, Deployments, Latency, Word, measured
from buttress.models.errors import ModelBusy, ModelResting, ModelUnavailable, RateLimited, RefusedKey
from buttress.models.settings import BreakerSettings, ConcurrencySettings, ModelSettings
from buttress.testing.clock import ManualClock

MODEL = Model(name="m", provider="openai", id="m-1", base_url="https://a.example/v1", key="env:K")
SETTINGS = ModelSettings(
    breaker=BreakerSettings(failures=2, open_s=2, open_cap_s=60),
    concurrency=ConcurrencySettings(start=2, most=8, queue_length=1, queue_wait_s=0.02, lower_to=0.5),
)
DOWN = ModelUnavailable("down")


def deployment() -> tuple[Deployment, ManualClock]:
    clock = ManualClock()
    return Deployments(SETTINGS, clock).of(MODEL), clock


async def call(one: Deployment, *ends: ButtressError | None) -> None:
    for end in ends:
        await one.enter(10)
        one.leave(end, None if end else 100.0)


async def test_one_that_fails_too_often_is_left_alone_and_then_tried_by_one_call() -> None:
    one, clock = deployment()
    await call(one, DOWN, DOWN)
    with pytest.raises(ModelResting) as raised:
        await one.enter(10)
    assert (raised.value.retry_after_s, one.rests_s) == (2, 2)
    clock.advance(2)
    assert one.rests_s == 0
    await one.enter(10)
    with pytest.raises(ModelResting):  # the first is not back yet
        await one.enter(10)
    assert one.rests_s == PROBE_S
    one.leave(None, 100.0)
    await one.enter(10)
    assert one.gate.running == 1


async def test_a_call_that_waited_while_it_broke_is_not_sent() -> None:
    one, _ = deployment()
    await one.enter(10)
    await one.enter(10)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_entering(one))
        await asyncio.sleep(0)
        one.leave(DOWN, None)
        one.leave(DOWN, None)
    assert isinstance(waiting.result(), ModelResting)
    assert (one.gate.running, one.gate.waiting) == (0, 0)


async def _entering(one: Deployment) -> ButtressError | None:
    try:
        await one.enter(10)
    except ButtressError as error:
        return error
    return None


async def test_a_turn_is_waited_for_within_bounds_and_nobody_is_left_in_line() -> None:
    one, _ = deployment()
    await one.enter(10)
    await one.enter(10)
    with pytest.raises(ModelBusy, match="no turn within"):
        await one.enter(10)
    assert (one.gate.running, one.gate.waiting) == (2, 0)


async def test_no_turn_is_waited_for_when_no_time_is_left() -> None:
    one, _ = deployment()
    await one.enter(10)
    await one.enter(10)
    with pytest.raises(ModelBusy, match=r"within 0\.0 s"):
        await one.enter(-1)


@pytest.mark.parametrize(
    ("ends", "size"),
    [
        pytest.param([None], 2.5, id="a good end raises it"),
        pytest.param([RateLimited("429")], 1, id="an overload lowers it"),
        pytest.param([RateLimited("429"), RateLimited("429")], 1, id="once for all who ran then"),
        pytest.param([DOWN], 2, id="something else does not"),
        pytest.param([RefusedKey("no")] * 9, 2, id="nor what is no fault of the model"),
    ],
)
async def test_the_limit_follows_how_calls_end(ends: Sequence[ButtressError | None], size: float) -> None:
    one, _ = deployment()
    await call(one, *ends)
    assert one.gate.limit.size == size


async def test_it_rests_for_as_long_as_it_asks_but_not_for_ever() -> None:
    one, clock = deployment()
    await call(one, RateLimited("429", retry_after_s=7))
    assert one.rests_s == 7
    clock.advance(7)
    await call(one, RateLimited("429", retry_after_s=86_400))
    assert one.rests_s == SETTINGS.breaker.open_cap_s
    one.hear(Word("m", 0))
    assert one.rests_s == 0


async def test_a_key_that_is_refused_never_opens_it() -> None:
    one, _ = deployment()
    await call(one, *[RefusedKey("no")] * 50)
    assert one.rests_s == 0


def test_latency_is_smoothed_and_forgotten_by_and_by() -> None:
    latency = measured(None, 100, 0)
    assert latency == Latency(100, 0)
    assert measured(latency, 200, 1) == Latency(120, 1)
    assert Latency(100, 0).expected(0) == 100
    assert Latency(100, 0).expected(60) == 50


async def test_calls_under_way_and_times_are_known() -> None:
    one, _ = deployment()
    await call(one, None)
    assert one.latency == Latency(100, 0)
    await one.enter(10)
    assert one.gate.running == 1


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        pytest.param({"price": Price(input=1, output=2)}, True, id="another price"),
        pytest.param({"max_output_tokens": 9}, True, id="another limit"),
        pytest.param({"base_url": "https://b.example/v1"}, False, id="another address"),
        pytest.param({"key": "env:OTHER"}, False, id="another key"),
        pytest.param({"id": "m-2"}, False, id="another model"),
    ],
)
async def test_a_reload_keeps_what_is_unchanged(changes: dict[str, object], is_same: bool) -> None:  # noqa: FBT001 - a table
    known = Deployments(SETTINGS, ManualClock())
    one = known.of(MODEL)
    await call(one, DOWN, DOWN)
    changed = msgspec.structs.replace(MODEL, **changes)
    known.keep([changed])
    assert len(known) == int(is_same)
    assert (known.of(changed) is one) == is_same


def test_names_that_are_gone_are_forgotten() -> None:
    """What is known is bounded by models.yaml, however often it is reloaded."""
    known = Deployments(SETTINGS, ManualClock())
    for number in range(100):
        model = msgspec.structs.replace(MODEL, name=f"m-{number}")
        known.of(model)
        known.keep([model])
    assert len(known) == 1


async def test_nothing_is_made_to_enter_without_waiting() -> None:
    """A place that is free costs no future and no task: a call has no time for it."""
    one, _ = deployment()
    one.gate.limit = Limit(8)
    entering = one.enter(10)
    with pytest.raises(StopIteration) as ended:
        entering.send(None)
    assert ended.value.value == 0.0


async def test_what_others_are_to_know_is_told_once() -> None:
    clock = ManualClock()
    known, told = Deployments(SETTINGS, clock), list[Word]()
    known.tell = told.append
    one = known.of(MODEL)
    await call(one, None, DOWN, DOWN)
    clock.advance(2)
    await call(one, None, None, RateLimited("429", retry_after_s=7))
    assert told == [Word("m", 2), Word("m", 0), Word("m", 7)]


def test_what_others_found_out_is_heeded_and_told_to_nobody() -> None:
    known, told = Deployments(SETTINGS, ManualClock()), list[Word]()
    known.tell = told.append
    known.hear(Word("m", 10_000), {"m": MODEL})
    assert known.of(MODEL).rests_s == SETTINGS.breaker.open_cap_s
    known.hear(Word("m", 0), {"m": MODEL})
    assert known.of(MODEL).rests_s == 0
    known.hear(Word("other", 5), {"m": MODEL})
    assert (told, len(known)) == ([], 1)


class Ticking(ManualClock):
    """A clock on which time passes while one looks."""

    def monotonic(self) -> float:
        self.advance(0.25)
        return super().monotonic()


@pytest.mark.parametrize("quarters", [pytest.param(number, id=f"{number} looks") for number in range(1, 9)])
async def test_whoever_is_refused_has_no_place_however_time_passes(quarters: int) -> None:
    one = Deployments(SETTINGS, Ticking()).of(MODEL)
    one.rest(quarters / 4)
    is_inside = await _entering(one) is None
    assert one.gate.running == int(is_inside)

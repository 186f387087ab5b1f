"""`models.deployments`, on a clock turned by hand."""

import asyncio
import gc
from collections.abc import Coroutine, Sequence
from contextlib import suppress

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.errors import ButtressError
from buttress.models.concurrency import Limit
from buttress.models.deployments import PROBE_S, Deployment, Deployments, Latency, Turn, Word, measured
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
        turn = await one.enter(10)
        one.leave(turn if end else one.heard(turn, 100.0), end)


async def test_one_that_fails_too_often_is_left_alone_and_then_tried_by_one_call() -> None:
    one, clock = deployment()
    await call(one, DOWN, DOWN)
    with pytest.raises(ModelResting) as raised:
        await one.enter(10)
    assert (raised.value.retry_after_s, one.rests_s) == (2, 2)
    clock.advance(2)
    assert one.rests_s == 0
    turn = await one.enter(10)
    with pytest.raises(ModelResting):  # of the first nothing was heard yet
        await one.enter(10)
    assert one.rests_s == PROBE_S
    one.leave(one.heard(turn, 100.0), None)
    await one.enter(10)
    assert one.gate.running == 1


async def test_a_probe_that_streams_for_long_keeps_nobody_out() -> None:
    one, clock = deployment()
    await call(one, DOWN, DOWN)
    clock.advance(2)
    turn = one.heard(await one.enter(10), 100.0)
    clock.advance(60)
    await one.enter(10)
    assert one.gate.running == 2
    one.leave(turn, DOWN)  # it broke in the end: its word counts still
    assert one.rests_s == 4


async def test_a_call_from_before_does_not_end_the_probe_of_another() -> None:
    one, clock = deployment()
    before = await one.enter(10)
    await call(one, DOWN, DOWN)
    clock.advance(2)
    await one.enter(10)
    one.leave(before, RefusedKey("no"))
    with pytest.raises(ModelResting):
        await one.enter(10)


async def test_a_call_that_waited_while_it_broke_is_not_sent() -> None:
    one, _ = deployment()
    turns = [await one.enter(10), await one.enter(10)]
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_entering(one))
        await asyncio.sleep(0)
        for turn in turns:
            one.leave(turn, DOWN)
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
        pytest.param({"options": (("region_name", "eu"),)}, False, id="another word to its SDK"),
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


OLD = MODEL
NEW = msgspec.structs.replace(MODEL, base_url="https://b.example/v1")


async def test_a_call_under_way_over_a_reload_keeps_its_own_and_the_new_one_its_own() -> None:
    known, told = Deployments(SETTINGS, ManualClock()), list[Word]()
    known.tell = told.append
    old = known.of(OLD)
    turn = await old.enter(10)
    known.keep([NEW])
    new = known.of(NEW)
    assert known.of(OLD) is old is not new, "its next attempt goes where it began"
    old.leave(turn, RateLimited("429", retry_after_s=7))
    assert (old.rests_s, new.rests_s, known.of(NEW) is new) == (7, 0, True)
    assert told == [], "of a model that there is not any more the others need not know"


async def test_a_model_that_is_put_back_is_the_one_that_it_was_for_as_long_as_somebody_asks_it() -> None:
    known = Deployments(SETTINGS, ManualClock())
    old = known.of(OLD)
    known.keep([NEW])
    await call(old, DOWN, DOWN)
    known.keep([OLD])
    assert known.of(OLD) is old
    assert old.rests_s == 2


def test_one_that_is_gone_is_forgotten_when_nobody_holds_it() -> None:
    known = Deployments(SETTINGS, ManualClock())
    known.of(OLD).rest(7)
    known.keep([NEW])
    gc.collect()
    known.keep([OLD])
    assert known.of(OLD).rests_s == 0


def _at_once(entering: Coroutine[object, None, Turn]) -> Turn:
    with pytest.raises(StopIteration) as ended:
        entering.send(None)
    turn: Turn = ended.value.value
    return turn


class AnyReloads(RuleBasedStateMachine):
    """Reloads among calls under way: each call leaves what it entered, and nothing else is touched."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Deployments(SETTINGS, ManualClock())
        self.models = {name: msgspec.structs.replace(MODEL, name=name) for name in ("a", "b")}
        self.under_way: list[tuple[Model, Deployment, Turn]] = []

    @rule(name=st.sampled_from(["a", "b"]), moves=st.booleans(), price=st.floats(0, 9))
    def the_file_changes(self, name: str, price: float, *, moves: bool) -> None:
        before = {name: self.known.of(model) for name, model in self.models.items()}
        address = f"{self.models[name].base_url}/moved" if moves else self.models[name].base_url
        self.models[name] = msgspec.structs.replace(
            self.models[name], base_url=address, price=Price(input=price, output=price)
        )
        self.known.keep(self.models.values())
        for other, model in self.models.items():
            assert (self.known.of(model) is before[other]) == (other != name or not moves)

    @rule(name=st.sampled_from(["a", "b"]))
    def a_call_enters(self, name: str) -> None:
        one = self.known.of(self.models[name])
        if one.gate.running < int(one.gate.limit.size):  # else it would have to wait
            with suppress(ModelResting):
                self.under_way.append((self.models[name], one, _at_once(one.enter(0))))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), error=st.sampled_from([None, DOWN, RateLimited("429", retry_after_s=3)]))
    def one_leaves(self, data: st.DataObject, error: ButtressError | None) -> None:
        model, one, turn = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        assert self.known.of(model) is one, "a call finds what it entered"
        one.leave(turn, error)

    @invariant()
    def every_place_is_that_of_a_call_under_way(self) -> None:
        for model in self.models.values():
            one = self.known.of(model)
            assert one.gate.running == sum(other is one for _, other, _ in self.under_way)
        assert len(self.known) <= 2


TestAnyReloads = AnyReloads.TestCase
TestAnyReloads.settings = settings(max_examples=30, stateful_step_count=20)


def test_names_that_are_gone_are_forgotten() -> None:
    """What is known is bounded by models.yaml, however often it is reloaded."""
    known = Deployments(SETTINGS, ManualClock())
    for number in range(100):
        model = msgspec.structs.replace(MODEL, name=f"m-{number}")
        known.keep([model])
        known.of(model)
    assert len(known) == 1


async def test_nothing_is_made_to_enter_without_waiting() -> None:
    """A place that is free costs no future and no task: a call has no time for it."""
    one, _ = deployment()
    one.gate.limit = Limit(8)
    entering = one.enter(10)
    with pytest.raises(StopIteration) as ended:
        entering.send(None)
    assert ended.value.value == Turn(term=0, waited_s=0.0)


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

"""The ladder: providers that do what a test says, a real event loop, short limits."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models import errors
from buttress.models.attempts import LadderPorts
from buttress.models.concurrency import Limit
from buttress.models.deployments import Deployments
from buttress.models.dialects.types import Body
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.providers.http import HttpParts, HttpProvider
from buttress.models.providers.openai import OPENAI
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt, Bill, Pace, Piece
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import text_of
from buttress.testing.upstream import Reply, ScriptedUpstream

REQUEST = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10)
USED = Usage(input=5, output=2)


def over_http(model: Model, sessions: Sessions, settings: ModelSettings) -> HttpProvider:
    """Return the real provider of `model`."""
    parts = HttpParts(sessions=sessions, settings=settings, resolve_secret=str, clock=SystemClock())
    return HttpProvider(model, OPENAI, parts)


Step = str | float | ButtressError


class Acted:
    """A provider that plays scripts, one each time it is asked: says texts, waits seconds, raises errors."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self._scripts = list(scripts)
        self.asked = 0
        self.running = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        script = self._scripts[min(self.asked, len(self._scripts) - 1)]
        self.asked += 1
        self.running += 1
        try:
            for step in script:
                if isinstance(step, ButtressError):
                    raise step
                if isinstance(step, str):
                    yield TextDelta(step)
                else:
                    await asyncio.sleep(step)
            yield Finished(reason="stop", usage=USED, model="acted")
        finally:
            self.running -= 1

    def pass_on(self, body: Body) -> None:
        return None


class Unending:
    """A provider that breaks its promise: it stops without `Finished`."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta("half")

    def pass_on(self, body: Body) -> None:
        return None


class PolicyForbids(ButtressError):
    """A refusal of another room."""

    code = "privacy.forbidden"
    hint = "Ask a local model."


class BudgetGone(ButtressError):
    """A refusal of another room."""

    code = "spend.exhausted"
    hint = "Wait."


class Doors:
    """Egress and meter that note what they are asked; models named `secret` or `dear` are refused."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.open = 0

    async def allow(self, model: Model, order: Order) -> None:
        if model.name == "secret":
            raise PolicyForbids("not to this one")

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
        if model.name == "dear":
            raise BudgetGone("no money")
        bill = Bill()
        self.open += 1
        try:
            yield bill
        finally:
            self.open -= 1
            bill.cost = None if bill.usage is None else NanoDollars(bill.usage.total)
            self.bills.append(bill)


class House(msgspec.Struct, kw_only=True):
    """A ladder's ports, and what they noted."""

    doors: Doors
    attempts: list[Attempt]
    ports: LadderPorts

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        return [(one.model, one.outcome, one.error_code) for one in self.attempts]


@pytest.fixture
def house() -> House:
    return make_house()


def make_house(**changed: float) -> House:
    doors, attempts = Doors(), list[Attempt]()
    settings = msgspec.convert(
        {
            "backoff_base_s": 0.001,
            "first_token_timeout_s": 5.0,
            "idle_timeout_s": 5.0,
            "total_timeout_s": 10.0,
            **changed,
        },
        ModelSettings,
    )
    ports = LadderPorts(
        egress=doors,
        meter=doors,
        clock=SystemClock(),
        chance=SeededChance(1),
        deployments=Deployments(settings, SystemClock()),
        record=attempts.append,
        settings=settings,
    )
    return House(doors=doors, attempts=attempts, ports=ports)


def rung(name: str, provider: Acted | Unending) -> Rung:
    return Rung(Model(name=name, provider="acted"), provider)


async def climb(house: House, *rungs: Rung) -> list[Piece | Finished]:
    async with aclosing(stream_ladder(Order(REQUEST), rungs, house.ports)) as events:
        return [event async for event in events]


def down() -> errors.ModelUnavailable:
    return errors.ModelUnavailable("down")


async def test_the_first_rung_answers(house: House) -> None:
    events = await climb(house, rung("small", Acted(["Hel", "lo"])), rung("big", Acted(["no"])))
    assert events == [
        TextDelta("Hel"),
        TextDelta("lo"),
        Finished(reason="stop", usage=USED, model="acted"),
    ]
    assert house.told == [("small", "answered", None)]
    attempt = house.attempts[0]
    assert (attempt.usage, attempt.cost) == (USED, 7)
    assert attempt.first_token_ms is not None
    assert 0 <= attempt.first_token_ms <= attempt.duration_ms
    assert house.doors.bills[0].output_characters == 5


@pytest.mark.parametrize(
    ("name", "first", "told"),
    [
        pytest.param("a", [errors.RefusedKey("no")], [("a", "failed", "models.refused_key")], id="refused"),
        pytest.param("a", [down()], [("a", "failed", "models.unavailable")] * 2, id="down, twice"),
        pytest.param("secret", ["no"], [("secret", "failed", "privacy.forbidden")], id="policy forbids it"),
        pytest.param("dear", ["no"], [("dear", "failed", "spend.exhausted")], id="there is no money for it"),
        pytest.param(
            "a", [errors.NothingToQuote("no")], [("a", "failed", "models.nothing_to_quote")], id="no quote"
        ),
    ],
)
async def test_the_next_rung_answers_when_the_first_fails_before_its_first_text(
    house: House, name: str, first: list[Step], told: list[tuple[str, str, str | None]]
) -> None:
    assert text_of(await climb(house, rung(name, Acted(first)), rung("b", Acted(["yes"])))) == "yes"
    assert house.told == [*told, ("b", "answered", None)]


async def test_what_was_never_sent_cost_nothing(house: House) -> None:
    await climb(house, rung("secret", Acted(["no"])), rung("dear", Acted(["no"])), rung("b", Acted(["yes"])))
    assert [(one.usage, one.cost) for one in house.attempts] == [(Usage(), 0), (Usage(), 0), (USED, 7)]


async def test_what_may_pass_is_tried_again(house: House) -> None:
    flaky = Acted([down()], ["yes"])
    assert text_of(await climb(house, rung("a", flaky), rung("b", Acted(["no"])))) == "yes"
    assert house.told == [("a", "failed", "models.unavailable"), ("a", "answered", None)]
    assert [(one.cost, one.is_estimated) for one in house.attempts] == [(2, True), (7, False)]


async def test_after_the_first_text_a_failure_is_raised(house: House) -> None:
    heard: list[Piece | Finished] = []
    with pytest.raises(errors.StreamCut):
        await hear(
            house, heard, rung("a", Acted(["half", errors.StreamCut("cut")])), rung("b", Acted(["no"]))
        )
    assert heard == [TextDelta("half")]
    assert house.told == [("a", "cut", "models.stream_cut")]
    assert (house.attempts[0].usage, house.attempts[0].is_estimated) == (Usage(input=2, output=2), True)


async def hear(house: House, heard: list[Piece | Finished], *rungs: Rung) -> None:
    async for event in stream_ladder(Order(REQUEST), rungs, house.ports):
        heard.append(event)  # noqa: PERF401 - what came before an error is to be kept


async def test_a_provider_that_stops_without_an_end_is_a_cut_stream(house: House) -> None:
    with pytest.raises(errors.StreamCut):
        await climb(house, rung("a", Unending()))
    assert house.told == [("a", "cut", "models.stream_cut")]


async def test_no_rung_left_names_all_that_failed(house: House) -> None:
    with pytest.raises(errors.NoRungLeft) as raised:
        await climb(
            house, rung("a", Acted([errors.RefusedKey("no")])), rung("b", Acted([errors.BadRequest("bad")]))
        )
    assert raised.value.data == {
        "failures": [
            {"model": "a", "code": "models.refused_key"},
            {"model": "b", "code": "models.bad_request"},
        ]
    }
    assert isinstance(raised.value.last, errors.BadRequest)
    assert raised.value.__cause__ is raised.value.last


async def test_an_empty_ladder_has_no_rung_left(house: House) -> None:
    with pytest.raises(errors.NoRungLeft, match="the ladder has no model"):
        await climb(house)


@pytest.mark.parametrize(
    ("script", "limits", "waited_for", "outcome"),
    [
        pytest.param([9.0], {"first_token_timeout_s": 0.02}, "first_token", "failed", id="first token"),
        pytest.param(["a", 9.0], {"idle_timeout_s": 0.02}, "next_token", "cut", id="next token"),
        pytest.param(["a", 9.0], {"total_timeout_s": 0.05}, "total", "cut", id="the whole answer"),
    ],
)
async def test_waiting_is_bounded(
    script: list[Step], limits: dict[str, float], waited_for: str, outcome: str
) -> None:
    house, slow = make_house(**limits), Acted(script)
    with pytest.raises(ButtressError) as raised:
        await climb(house, rung("a", slow))
    error = raised.value.last if isinstance(raised.value, errors.NoRungLeft) else raised.value
    assert isinstance(error, errors.ModelTimeout)
    assert error.data == {"waited_for": waited_for}
    assert house.told == [("a", outcome, "models.timeout")]
    assert slow.running == house.doors.open == 0


async def test_when_all_time_is_over_nobody_else_is_asked() -> None:
    house, second = make_house(total_timeout_s=0.03), Acted(["no"])
    with pytest.raises(errors.ModelTimeout, match=r"0\.03 s of a whole answer"):
        await climb(house, rung("a", Acted([9.0])), rung("b", second))
    assert second.asked == 0


async def test_many_quick_tokens_may_take_longer_than_the_idle_limit() -> None:
    house = make_house(idle_timeout_s=0.2, first_token_timeout_s=0.2)
    script: list[Step] = [step for _ in range(10) for step in ("a", 0.03)]
    assert text_of(await climb(house, rung("a", Acted(script)))) == "a" * 10


async def test_closing_records_a_cancelled_attempt_and_settles_it(house: House) -> None:
    acted = Acted(["a", 9.0])
    async with aclosing(stream_ladder(Order(REQUEST), [rung("a", acted)], house.ports)) as events:
        await anext(events)
    assert house.told == [("a", "cancelled", None)]
    assert (house.attempts[0].usage, house.attempts[0].is_estimated) == (Usage(input=2, output=1), True)
    assert acted.running == house.doors.open == 0
    assert len(house.doors.bills) == 1


@pytest.mark.parametrize("script", [pytest.param([9.0], id="first"), pytest.param(["a", 9.0], id="next")])
async def test_cancelling_who_waits_records_a_cancelled_attempt(house: House, script: list[Step]) -> None:
    acted = Acted(script)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(climb(house, rung("a", acted), rung("b", Acted(["no"]))))
        while not acted.running:  # noqa: ASYNC110 - the task has begun when its provider has
            await asyncio.sleep(0)
        task.cancel()
    assert house.told == [("a", "cancelled", None)]
    assert acted.running == house.doors.open == 0


async def test_leaving_at_the_last_event_is_not_cancelling(house: House) -> None:
    async with aclosing(stream_ladder(Order(REQUEST), [rung("a", Acted(["x"]))], house.ports)) as events:
        async for event in events:
            if isinstance(event, Finished):
                break
    assert house.told == [("a", "answered", None)]


async def test_side_by_side_they_do_not_mix(house: House) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(climb(house, rung(str(at), Acted([str(at), 0.001, str(at)]))))
            for at in range(50)
        ]
    assert [text_of(task.result()) for task in tasks] == [f"{at}{at}" for at in range(50)]
    assert house.doors.open == 0


async def test_a_bug_in_a_provider_is_raised_and_recorded(house: House) -> None:
    class Broken:
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            raise KeyError("a bug")
            yield TextDelta("")

        def pass_on(self, body: Body) -> None:
            return None

    with pytest.raises(KeyError):
        await climb(house, Rung(Model(name="a", provider="acted"), Broken()), rung("b", Acted(["no"])))
    assert house.told == [("a", "failed", "bug.KeyError")]
    assert house.doors.open == 0


async def test_over_real_http_500_then_200_then_a_fallback(house: House) -> None:
    replies = [Reply(status=500), Reply(chunks=("one",)), Reply(status=401)]
    async with ScriptedUpstream(replies) as upstream, Sessions(OutboundSettings()) as sessions:
        model = Model(name="real", provider="openai", base_url=upstream.url)
        provider = over_http(model, sessions, house.ports.settings)
        first = await climb(house, Rung(model, provider))
        second = await climb(house, Rung(model, provider), rung("b", Acted(["two"])))
    assert [text_of(first), text_of(second)] == ["one", "two"]
    assert house.told == [
        ("real", "failed", "models.unavailable"),
        ("real", "answered", None),
        ("real", "failed", "models.refused_key"),
        ("b", "answered", None),
    ]


async def test_an_answer_of_failure_costs_nothing_unless_somebody_gave_up_waiting() -> None:
    """See docs/decisions/0005: a model may have worked where a 408 or 504 says that it was too late."""
    house, statuses = make_house(attempts_per_rung=1), (500, 502, 503, 529, 429, 400, 401, 408, 504)
    replies = [Reply(status=status) for status in statuses]
    async with ScriptedUpstream(replies) as upstream, Sessions(OutboundSettings()) as sessions:
        for status in statuses:
            model = Model(name=str(status), provider="openai", base_url=upstream.url)
            with suppress(errors.NoRungLeft):
                await climb(house, Rung(model, over_http(model, sessions, house.ports.settings)))
    paid = [one.model for one in house.attempts if one.is_estimated]
    free = [one.model for one in house.attempts if (one.usage, one.cost) == (Usage(), 0)]
    assert (paid, free) == (["408", "504"], [str(status) for status in statuses[:-2]])


async def test_leaving_the_ladder_ends_the_upstream_call_within_a_tenth_of_a_second(house: House) -> None:
    async with (
        ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream,
        Sessions(OutboundSettings()) as sessions,
    ):
        model = Model(name="real", provider="openai", base_url=upstream.url)
        provider = over_http(model, sessions, house.ports.settings)
        async with aclosing(stream_ladder(Order(REQUEST), [Rung(model, provider)], house.ports)) as events:
            await anext(events)
            left_at = asyncio.get_running_loop().time()
        received = upstream.received[0]
        async with asyncio.timeout(5):
            await received.hung_up.wait()
        assert received.hung_up_at is not None
        assert received.hung_up_at - left_at < 0.1
    assert house.told == [("real", "cancelled", None)]


def resting(house: House, *names: str, seconds: float = 0.05) -> None:
    for name in names:
        house.ports.deployments.of(Model(name=name, provider="acted")).rest(seconds)


async def test_a_model_that_rests_is_passed_over_at_once(house: House) -> None:
    resting(house, "a", seconds=50)
    first = Acted(["no"])
    assert text_of(await climb(house, rung("a", first), rung("b", Acted(["yes"])))) == "yes"
    assert first.asked == 0
    assert house.told == [("a", "failed", "models.resting"), ("b", "answered", None)]
    assert (house.attempts[0].usage, house.attempts[0].cost) == (Usage(), 0)


async def test_when_every_model_rests_the_soonest_is_waited_for(house: House) -> None:
    resting(house, "a", seconds=50)
    resting(house, "b", seconds=0.05)
    first = Acted(["no"])
    assert text_of(await climb(house, rung("a", first), rung("b", Acted(["yes"])))) == "yes"
    assert first.asked == 0
    assert house.told[-1] == ("b", "answered", None)


async def test_when_every_model_asked_for_a_pause_the_shortest_is_waited_for() -> None:
    house = make_house(attempts_per_rung=1)
    long, short = (errors.RateLimited("429", retry_after_s=seconds) for seconds in (50, 0.05))
    first = Acted([long], ["no"])
    assert text_of(await climb(house, rung("a", first), rung("b", Acted([short], ["yes"])))) == "yes"
    assert first.asked == 1


async def test_when_to_come_back_is_told_as_it_is_now_and_not_as_it_was_when_they_failed(
    house: House,
) -> None:
    resting(house, "a", seconds=50)
    slow = Acted([0.2, errors.BadRequest("no")])
    with pytest.raises(errors.NoRungLeft) as raised:
        await climb(house, rung("a", Acted(["no"])), rung("b", slow))
    assert raised.value.retry_after_s is not None
    assert raised.value.retry_after_s < 49.9
    assert raised.value.data["retry_after_s"] == round(raised.value.retry_after_s, 3)


async def test_one_that_still_fails_then_leaves_the_word_to_the_next_that_may_be_asked(house: House) -> None:
    resting(house, "a", seconds=0.02)
    resting(house, "b", seconds=0.05)
    broken = Acted([errors.RefusedKey("no")])
    assert text_of(await climb(house, rung("a", broken), rung("b", Acted(["yes"])))) == "yes"
    assert broken.asked == 1


async def test_when_every_model_rests_for_too_long_the_soonest_moment_is_told(house: House) -> None:
    resting(house, "a", seconds=50)
    resting(house, "b", seconds=30)
    with pytest.raises(errors.NoRungLeft) as raised:
        await climb(house, rung("a", Acted(["no"])), rung("b", Acted(["no"])))
    assert raised.value.retry_after_s == pytest.approx(30, abs=2)
    assert raised.value.data["retry_after_s"] == round(raised.value.retry_after_s or 0, 3)


async def test_a_model_that_fails_too_often_is_left_alone(house: House) -> None:
    broken = Acted([down()])
    for _ in range(9):
        assert text_of(await climb(house, rung("a", broken), rung("b", Acted(["yes"])))) == "yes"
    assert broken.asked == house.ports.settings.breaker.failures


async def test_retry_after_is_kept_by_all_who_come_later(house: House) -> None:
    """One that asks for a pause is left alone by every call, not by the one alone that heard it."""
    limited = Acted([errors.RateLimited("429", retry_after_s=40)])
    for _ in range(3):
        await climb(house, rung("a", limited), rung("b", Acted(["yes"])))
    assert limited.asked == 1


async def test_every_call_gives_its_place_back(house: House) -> None:
    scripts: list[list[Step]] = [
        ["yes"],
        [down()],
        ["half", errors.StreamCut("cut")],
        [errors.BadRequest("no")],
    ]
    for script in scripts:
        with suppress(ButtressError):
            await climb(house, rung("a", Acted(script)))
    async with aclosing(stream_ladder(Order(REQUEST), [rung("a", Acted(["x", 9.0]))], house.ports)) as events:
        await anext(events)
        assert place(house) == 1
    assert place(house) == 0


def place(house: House) -> int:
    return house.ports.deployments.of(Model(name="a", provider="acted")).gate.running


async def hedged(house: House, *rungs: Rung, after_ms: int = 20) -> list[Piece | Finished]:
    before = len(asyncio.all_tasks())
    try:
        stream = stream_ladder(Order(REQUEST), rungs, house.ports, Pace(hedge_after_ms=after_ms))
        async with aclosing(stream) as events:
            return [event async for event in events]
    finally:
        assert len(asyncio.all_tasks()) == before, "a task was left"
        assert house.doors.open == 0


async def test_a_first_rung_that_is_quick_is_not_hedged(house: House) -> None:
    second = Acted(["no"])
    assert text_of(await hedged(house, rung("a", Acted(["yes"])), rung("b", second), after_ms=5_000)) == "yes"
    assert second.asked == 0


async def test_a_silent_first_rung_loses_to_the_second_and_both_are_paid_for(house: House) -> None:
    silent = Acted([30.0, "no"])
    assert text_of(await hedged(house, rung("a", silent), rung("b", Acted(["yes"])))) == "yes"
    assert house.told == [("a", "cancelled", None), ("b", "answered", None)]
    assert [(one.usage, one.is_estimated) for one in house.attempts] == [
        (Usage(input=2), True),
        (USED, False),
    ]
    assert silent.running == 0


async def test_the_first_rung_may_still_win(house: House) -> None:
    late = Acted([0.1, "yes"])
    assert text_of(await hedged(house, rung("a", late), rung("b", Acted([30.0, "no"])))) == "yes"
    assert house.told == [("b", "cancelled", None), ("a", "answered", None)]


async def test_of_two_that_speak_at_once_one_is_heard_and_the_other_closed(house: House) -> None:
    gate = asyncio.Event()

    class Together:
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            await gate.wait()
            yield TextDelta("yes")
            yield Finished(reason="stop", usage=USED, model="acted")

        def pass_on(self, body: Body) -> None:
            return None

    asyncio.get_running_loop().call_later(0.1, gate.set)
    rungs = [Rung(Model(name=name, provider="acted"), Together()) for name in ("a", "b")]
    assert text_of(await hedged(house, *rungs)) == "yes"
    assert sorted(one.outcome for one in house.attempts) == ["answered", "cancelled"]


async def test_when_one_fails_while_the_other_runs_the_ladder_goes_on(house: House) -> None:
    slow = Acted([0.1, errors.RefusedKey("no")])
    rungs = [rung("a", slow), rung("b", Acted([errors.BadRequest("no")])), rung("c", Acted(["yes"]))]
    assert text_of(await hedged(house, *rungs)) == "yes"
    assert [name for name, _, _ in house.told] == ["b", "a", "c"]


async def test_when_both_fail_no_rung_is_left_and_both_are_named(house: House) -> None:
    slow = Acted([0.05, errors.RefusedKey("no")])
    with pytest.raises(errors.NoRungLeft) as raised:
        await hedged(house, rung("a", slow), rung("b", Acted([0.01, errors.BadRequest("no")])))
    assert {one.model for one in raised.value.failures} == {"a", "b"}


async def test_a_single_rung_is_hedged_by_nobody(house: House) -> None:
    assert text_of(await hedged(house, rung("a", Acted([0.05, "yes"])))) == "yes"


async def test_who_leaves_while_two_are_asked_ends_both(house: House) -> None:
    first, second = Acted([30.0]), Acted([30.0])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hedged(house, rung("a", first), rung("b", second)))
        while not second.running:  # noqa: ASYNC110 - both are asked when the second is
            await asyncio.sleep(0.001)
        task.cancel()
    assert (first.running, second.running) == (0, 0)
    assert sorted(house.told) == [(name, "cancelled", None) for name in ("a", "b")]


async def test_a_bug_while_two_are_asked_is_raised_as_it_is(house: House) -> None:
    class Broken:
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            raise KeyError("a bug")
            yield TextDelta("")

        def pass_on(self, body: Body) -> None:
            return None

    broken = Rung(Model(name="b", provider="acted"), Broken())
    with pytest.raises(KeyError):
        await hedged(house, rung("a", Acted([30.0])), broken)


async def test_the_loser_of_a_hedge_is_hung_up_on_within_a_tenth_of_a_second(house: House) -> None:
    async with (
        ScriptedUpstream([Reply(ending="stall", after=0)]) as upstream,
        Sessions(OutboundSettings()) as sessions,
    ):
        model = Model(name="real", provider="openai", base_url=upstream.url)
        provider = over_http(model, sessions, house.ports.settings)
        stream = stream_ladder(
            Order(REQUEST),
            [Rung(model, provider), rung("b", Acted(["yes", 30.0]))],
            house.ports,
            Pace(hedge_after_ms=200),
        )
        async with aclosing(stream) as events:
            assert await anext(events) == TextDelta("yes")
            won_at = asyncio.get_running_loop().time()
            async with asyncio.timeout(5):
                await upstream.received[0].hung_up.wait()
        assert upstream.received[0].hung_up_at is not None
        assert upstream.received[0].hung_up_at - won_at < 0.1


async def paced(house: House, pace: Pace, *rungs: Rung) -> str:
    async with aclosing(stream_ladder(Order(REQUEST), rungs, house.ports, pace)) as events:
        return text_of([event async for event in events])


async def test_the_time_for_a_first_token_is_that_of_all_attempts_together(house: House) -> None:
    second, third = Acted([9.0]), Acted(["no"])
    rungs = [rung("a", Acted([errors.BadRequest("no")])), rung("b", second), rung("c", third)]
    with pytest.raises(errors.ModelTimeout) as raised:
        await paced(house, Pace(first_token_ms=50), *rungs)
    assert raised.value.data == {"waited_for": "first_token_of_call"}
    assert (second.asked, third.asked) == (1, 0)


async def test_the_time_for_a_first_token_is_over_when_it_came(house: House) -> None:
    assert await paced(house, Pace(first_token_ms=5_000), rung("a", Acted(["yes", 0.02, "!"]))) == "yes!"


async def test_the_time_for_a_whole_answer_cuts_one_that_takes_longer(house: House) -> None:
    with pytest.raises(errors.ModelTimeout, match=r"0\.05 s of a whole answer"):
        await paced(house, Pace(total_ms=50), rung("a", Acted(["a", 9.0])))
    assert house.told == [("a", "cut", "models.timeout")]


async def test_a_call_without_time_asks_nobody_and_costs_nothing(house: House) -> None:
    first = Acted(["no"])
    with pytest.raises(errors.ModelTimeout):
        await paced(house, Pace(total_ms=0), rung("a", first))
    assert first.asked == 0
    assert [(one.usage, one.cost) for one in house.attempts] == [(Usage(), 0)]


async def test_a_call_in_a_hurry_says_nothing_against_its_model(house: House) -> None:
    for _ in range(9):
        with pytest.raises(errors.ModelTimeout):
            await paced(house, Pace(first_token_ms=5), rung("a", Acted([9.0])))
    assert house.ports.deployments.of(Model(name="a", provider="acted")).rests_s == 0


async def test_waiting_for_a_turn_is_told_apart_from_the_model(house: House) -> None:
    deployment = house.ports.deployments.of(Model(name="a", provider="acted"))
    deployment.gate.limit = Limit(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(climb(house, rung("a", Acted([0.1, "one"]))))
        group.create_task(climb(house, rung("a", Acted(["two"]))))
    first, second = house.attempts
    assert first.queued_ms == 0
    assert 50 < second.queued_ms <= (second.first_token_ms or 0)

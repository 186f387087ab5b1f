"""The ladder: providers that do what a test says, a real event loop, short limits."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models import errors
from buttress.models.concurrency import Limit
from buttress.models.dialects.types import Body
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Pace, Piece
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import text_of
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.climbing import (
    REQUEST,
    USED,
    Acted,
    House,
    Step,
    Unending,
    climb,
    down,
    make_house,
    over_http,
    rung,
)
from tests.waiting import until


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
        await until(lambda: acted.running)
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

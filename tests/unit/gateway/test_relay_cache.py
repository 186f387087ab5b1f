"""The cache of models that are asked by their names: the same to the same, and nothing that is not whole."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.caching.errors import LookupLate
from buttress.gateway.ports import Ports
from buttress.gateway.relay import Relay, Wanted
from buttress.gateway.relay_cache import MAX_BYTES
from buttress.kernel.cached import Caching, KeepPolicy
from buttress.kernel.catalogue import Catalogue, Model, Price, plain_ladder
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished
from buttress.kernel.principal import Principal
from buttress.models.deployments import Deployments
from buttress.models.dialects.chat import request_in as chat
from buttress.models.dialects.messages import request_in as messages
from buttress.models.types import Frame, Piece
from buttress.testing.upstream import Ending, Received, Recording, Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.unit.gateway.answers import AnswersInMemory
from tests.unit.gateway.world import World
from tests.waiting import until

ASKED = {"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "Hi?"}]}
KEPT = KeepPolicy()
SLOW = Reply(first_delay_s=0.05)
STUCK = Reply(ending="stall", after=2)
CALL = b'{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}'
SAYS_STOP = Recording(
    stream=b'data: {"choices":[{"index":0,"delta":{"tool_calls":['
    + CALL.replace(b"{", b'{"index":0,', 1)
    + b"]},"
    b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    whole=b'{"choices":[{"index":0,"message":{"tool_calls":[' + CALL + b']},"finish_reason":"stop"}]}',
)
"""A call of a tool that looks like an answer's end."""


def kept_ports(
    world: World,
    *upstreams: ScriptedUpstream,
    answers: AnswersInMemory | None = None,
    policy: KeepPolicy = KEPT,
) -> Ports:
    """Return ports whose model `m` (further upstreams: `m1`, ...) and whose ladder `all` keep answers."""
    price = Price(input=1.0, output=2.0)
    models = {
        name: Model(name=name, provider="openai", id="x", base_url=one.url, price=price)
        for name, one in zip(("m", "m1", "m2"), upstreams, strict=False)
    }
    catalogue = Catalogue(models, {"all": plain_ladder(*models)}, {"m": policy, "all": policy})
    return msgspec.structs.replace(world.ports, catalogue=catalogue, answers=answers or AnswersInMemory())


def wanted(**changes: object) -> Wanted:
    """Return a request that is equal to others but for `changes`, `tenant` and `caching` among them."""
    caching = msgspec.convert(changes.pop("caching", "use"), Caching)
    tenant = str(changes.pop("tenant", "acme"))
    body = chat.read_body(msgspec.json.encode({**ASKED, **changes}))
    return Wanted(body=body, principal=Principal(tenant=tenant), caching=caching)


def anew(ports: Ports) -> Ports:
    """Return ports that know of no failure yet, and try once."""
    models = msgspec.structs.replace(
        ports.models, attempts_per_rung=1, first_token_timeout_s=0.3, idle_timeout_s=0.05
    )
    return msgspec.structs.replace(ports, models=models, deployments=Deployments(models, ports.clock))


async def said(relay: Relay) -> list[Piece | Finished]:
    """Return all that a call says."""
    async with aclosing(relay.pieces()) as pieces:
        return [piece async for piece in pieces]


async def asked(ports: Ports, **changes: object) -> tuple[Relay, bytes]:
    """Ask, and return the call and the bytes that its client is sent."""
    relay = Relay(wanted(**changes), ports)
    return relay, sent(await said(relay))


def sent(pieces: Sequence[Piece | Finished]) -> bytes:
    """Return the bytes of the frames."""
    return b"".join(piece.data for piece in pieces if isinstance(piece, Frame))


def step(trace: Trace, name: str = "recall") -> dict[str, object]:
    """Return what a step of the call noted."""
    return next(span.data for span in trace.spans if span.name == name)


async def test_a_model_without_a_cache_has_none(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        ports = msgspec.structs.replace(ports, catalogue=Catalogue(ports.catalogue.models, {}))
        await asked(ports)
        relay, _ = await asked(ports)
        assert len(upstream.received) == 2
    assert (relay.cache, relay.recalled, world.traces[1].spans) == (None, None, [])


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
async def test_the_same_is_answered_once_byte_for_byte_and_costs_nothing_again(
    world: World, *, stream: bool
) -> None:
    async with ScriptedUpstream([Reply(), Reply(chunks=("Other.",))]) as upstream:
        ports = kept_ports(world, upstream)
        first, told = await asked(ports, stream=stream)
        again, told_again = await asked(ports, stream=stream)
        assert len(upstream.received) == 1
    assert told_again == told
    assert (first.cache, first.recalled, again.cache) == ("miss", None, "hit")
    assert first.origin == again.origin == (first.trace_id, first.started_at)
    assert (again.figures["cost_nanodollars"], again.figures["attempts"], again.figures["model"]) == (
        0,
        0,
        "m",
    )
    paid, free = world.traces
    assert (free.outcome, free.attempts, free.cost_nanodollars, free.usage.total) == ("answered", [], 0, 0)
    assert (free.answer, free.model) == ("Hello world.", "m")
    assert step(paid) == {"cache": "miss"}
    assert step(free) == {
        "cache": "hit",
        "recalled": "exact",
        "of": first.trace_id,
        "saved_tokens": 10,
        "saved_nanodollars": 13_000,
    }


async def test_what_is_put_into_another_dialect_is_kept_as_events(world: World) -> None:
    asked_so = {**ASKED, "max_tokens": 50}
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        heard = [
            await said(Relay(Wanted(body=messages.read_body(msgspec.json.encode(asked_so))), ports))
            for _ in range(2)
        ]
        assert len(upstream.received) == 1
    assert heard[0] == heard[1]
    assert isinstance(heard[1][-1], Finished)
    assert not sent(heard[1])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tenant": "other"}, id="another tenant"),
        pytest.param({"model": "all"}, id="another name"),
        pytest.param({"stream": True}, id="streamed"),
        pytest.param({"messages": [{"role": "user", "content": "Hi!"}]}, id="other words"),
        pytest.param({"seed": 1}, id="another seed"),
        pytest.param({"max_tokens": 5}, id="another length"),
        pytest.param({"service_tier": "flex"}, id="another lane"),
        pytest.param({"nobody_knows": None}, id="a field that nobody knows"),
    ],
)
async def test_what_differs_is_asked_anew(world: World, changes: dict[str, object]) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        await asked(ports)
        assert (await asked(ports, **changes))[0].cache == "miss"
        assert len(upstream.received) == 2


async def test_what_a_stream_says_of_itself_is_part_of_the_request(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        for options in ({}, {"include_usage": True}, {"include_obfuscation": False}):
            assert (await asked(ports, stream=True, stream_options=options))[0].cache == "miss"


async def test_who_asks_is_no_part_of_it(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        await asked(ports, user="ada", metadata={"run": "1"})
        relay, _ = await asked(ports, user="bob", metadata={"run": "2"})
    assert relay.cache == "hit"
    assert world.traces[1].user_id == "bob"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"caching": "skip"}, "asked", id="who wants nothing of it"),
        pytest.param({"temperature": 0.2}, "sampled", id="a temperature"),
        pytest.param({"temperature": None}, "sampled", id="the upstream's own temperature"),
        pytest.param({"temperature": True}, "sampled", id="no temperature at all"),
        pytest.param({"n": 2}, "several", id="several answers at once"),
        pytest.param({"n": [1]}, "several", id="no number of answers"),
        pytest.param({"mcp_servers": [{"url": "u"}]}, "tools_elsewhere", id="servers of tools"),
        pytest.param({"tools": [{"type": "mcp"}]}, "tools_elsewhere", id="servers as OpenAI has them"),
        pytest.param(
            {"tools": [{"type": "web_search_20250305"}]}, "tools_elsewhere", id="a search elsewhere"
        ),
        pytest.param({"tools": [7]}, "tools_elsewhere", id="no tool"),
        pytest.param({"web_search_options": {}}, "tools_elsewhere", id="a search in chat completions"),
        pytest.param(
            {"messages": msgspec.Raw(b'[{"role":"user","content":"Hi?","content":"Ho?"}]')},
            "no_form",
            id="a name that stands there twice, of which readers take either",
        ),
    ],
)
async def test_what_has_no_place_in_the_cache(world: World, changes: dict[str, object], reason: str) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream, answers=answers)
        for _ in range(2):
            relay = Relay(wanted(**changes), ports)
            await said(relay)
            assert relay.cache == "skip"
        assert len(upstream.received) == 2
    assert step(world.traces[0]) == {"skipped": reason}
    assert (answers.here.entries, len(answers.relays)) == (0, 0)


async def test_a_long_request_is_not_put_into_one_form(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        with pytest.raises(ButtressError):  # the upstream takes no more either
            await asked(kept_ports(world, upstream), nobody_reads="a" * MAX_BYTES)
    assert step(world.traces[0]) == {"skipped": "too_long"}


async def test_the_clients_own_tools_are_no_hindrance(world: World) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}, {"name": "g", "input_schema": {}}]
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream)
        assert [(await asked(ports, tools=tools))[0].cache for _ in range(2)] == ["miss", "hit"]


async def test_a_model_may_allow_sampled_answers(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream, policy=KeepPolicy(sampled=True))
        assert [(await asked(ports, temperature=1))[0].cache for _ in range(2)] == ["miss", "hit"]


async def test_who_wants_a_new_one_has_it_kept(world: World) -> None:
    replies = [Reply(chunks=(f"{number}.",)) for number in range(9)]
    async with ScriptedUpstream(replies) as upstream:
        ports = kept_ports(world, upstream)

        async def text(caching: Caching) -> str:
            await asked(ports, caching=caching)
            return world.traces[-1].answer

        wishes: list[Caching] = ["skip", "use", "skip", "use", "refresh", "use"]
        assert [await text(one) for one in wishes] == ["0.", "1.", "2.", "1.", "3.", "3."]


async def test_without_a_cache_in_the_process_all_is_asked(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = msgspec.structs.replace(kept_ports(world, upstream), answers=None)
        assert (await asked(ports))[0].cache == "skip"
    assert step(world.traces[0]) == {"skipped": "off"}


async def test_a_cache_that_cannot_be_looked_into_costs_no_answer(world: World) -> None:
    answers = AnswersInMemory()
    answers.error = LookupLate("too late")
    async with ScriptedUpstream([Reply()]) as upstream:
        await asked(kept_ports(world, upstream, answers=answers))
    assert step(world.traces[0]) == {"cache": "miss", "reason": "caching.late"}
    assert answers.here.entries == 1


async def test_another_entry_of_models_yaml_and_other_settings_have_other_answers(world: World) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream([Reply()]) as upstream:
        ports = kept_ports(world, upstream, answers=answers)
        await asked(ports)
        other = msgspec.structs.replace(ports.catalogue.models["m"], id="y")
        catalogue = msgspec.structs.replace(ports.catalogue, models={"m": other})
        assert (await asked(msgspec.structs.replace(ports, catalogue=catalogue)))[0].cache == "miss"
        answers.surroundings = "another version"
        assert (await asked(ports))[0].cache == "miss"


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(finish_reason="length"), "finished:length", id="it was cut at its length"),
        pytest.param(Reply(finish_reason="content_filter"), "finished:content_filter", id="it was refused"),
        pytest.param(Reply(finish_reason="tool_calls"), "finished:tool_calls", id="a call of a tool"),
        pytest.param(Reply(recording=SAYS_STOP), "finished:tool_calls", id="one that says `stop`"),
        pytest.param(Reply(chunks=(" \n",)), "empty", id="nothing but blanks"),
        pytest.param(Reply(chunks=("a" * (MAX_BYTES // 2),) * 3), "too_long", id="too long a one"),
    ],
)
async def test_what_did_not_end_well_is_not_kept(
    world: World, reply: Reply, reason: str, *, stream: bool
) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream([reply]) as upstream:
        await asked(kept_ports(world, upstream, answers=answers), stream=stream)
    assert step(world.traces[0])["not_kept"] == reason
    assert (answers.here.entries, len(answers.relays)) == (0, 0)


async def test_of_a_ladder_the_first_step_alone_is_kept(world: World) -> None:
    ill = [Reply(status=400), Reply(status=400), Reply(chunks=("First.",))]
    async with ScriptedUpstream(ill) as first, ScriptedUpstream([Reply()]) as second:
        ports = kept_ports(world, first, second)
        states = [(await asked(ports, model="all"))[0].cache for _ in range(4)]
    assert states == ["miss", "miss", "miss", "hit"]
    assert [trace.answer for trace in world.traces] == ["Hello world."] * 2 + ["First."] * 2
    assert step(world.traces[0])["not_kept"] == "other_model"


async def test_it_is_given_with_the_pauses_it_was_made_with(world: World) -> None:
    async with ScriptedUpstream([Reply(chunk_delay_s=0.05)]) as upstream:
        ports = kept_ports(world, upstream, policy=KeepPolicy(replay="paced"))
        await asked(ports, stream=True)
        again, _ = await asked(ports, stream=True)
    assert again.cache == "hit"
    assert again.duration_ms > 50  # at once it takes less than one


class TestAtOnce:
    """Equal calls under way."""

    async def test_they_ask_once(self, world: World) -> None:
        async with ScriptedUpstream([SLOW]) as upstream:
            ports = kept_ports(world, upstream)
            calls = await asyncio.gather(*(asked(ports, stream=True) for _ in range(6)))
            assert len(upstream.received) == 1
        assert len({told for _, told in calls}) == 1
        (leader,) = [relay for relay, _ in calls if relay.cache == "miss"]
        shared = [relay.recalled for relay, _ in calls if relay.recalled]
        assert {(one.how, one.trace_id) for one in shared} == {("shared", leader.trace_id)}
        assert sum(trace.cost_nanodollars or 0 for trace in world.traces) == 13_000
        follower = next(trace for trace in world.traces if trace.trace_id != leader.trace_id)
        assert (step(follower, "follow")["ended"], step(follower, "follow")["saved_tokens"]) == ("whole", 10)

    async def test_other_tenants_and_who_wants_a_new_one_ask_for_themselves(self, world: World) -> None:
        async with ScriptedUpstream([SLOW]) as upstream:
            ports = kept_ports(world, upstream)
            await asyncio.gather(
                asked(ports),
                asked(ports, tenant="b"),
                asked(ports, caching="refresh"),
                asked(ports, caching="skip"),
            )
            assert len(upstream.received) == 4

    async def test_nobody_is_taken_along_when_the_one_who_leads_hangs_up(self, world: World) -> None:
        async with ScriptedUpstream([STUCK, Reply()]) as upstream:
            ports = kept_ports(world, upstream)
            async with (
                asyncio.TaskGroup() as group,
                aclosing(Relay(wanted(stream=True), ports).pieces()) as leading,
            ):
                await anext(leading)
                left = [group.create_task(asked(ports, stream=True)) for _ in range(3)]
                await until(lambda: _is_true(len(world.begun) >= 4))
                await asyncio.sleep(0)
            assert len(upstream.received) == 2
        assert len({one.result()[1] for one in left}) == 1
        assert sorted(str(one.result()[0].cache) for one in left) == ["hit", "hit", "miss"]
        assert sorted(trace.outcome for trace in world.traces) == ["answered"] * 3 + ["cancelled"]

    async def test_behind_a_failure_each_goes_its_own_way(self, world: World) -> None:
        async with ScriptedUpstream([Reply(status=400, first_delay_s=0.1), Reply()]) as upstream:
            ports = kept_ports(world, upstream)
            ends = await asyncio.gather(*(asked(ports) for _ in range(4)), return_exceptions=True)
            assert len(upstream.received) == 4
        assert sum(isinstance(one, ButtressError) for one in ends) == 1

    async def test_who_leads_in_silence_is_not_waited_for(self, world: World) -> None:
        answers = AnswersInMemory()
        answers.follow_timeout_s = 0.01
        async with (
            ScriptedUpstream([Reply(first_delay_s=60), Reply()]) as upstream,
            asyncio.TaskGroup() as group,
        ):
            ports = kept_ports(world, upstream, answers=answers)
            leading = group.create_task(asked(ports))
            await until(lambda: _is_true(len(upstream.received) == 1))
            relay, _ = await asked(ports)
            leading.cancel()
        assert relay.cache == "miss"


def echo(received: Received) -> Reply:
    """Say what was asked."""
    told = {name: received.body.get(name) for name in ("messages", "temperature", "seed", "stop", "stream")}
    return Reply(chunks=(msgspec.json.encode(told).decode(),))


requests = st.fixed_dictionaries(
    {
        "tenant": st.sampled_from(["a", "b"]),
        "temperature": st.sampled_from([0, 0.0, 0.5]),
        "seed": st.sampled_from([None, 1, 2]),
        "stop": st.sampled_from([None, "x", ["x"]]),
        "stream": st.booleans(),
        "user": st.sampled_from(["ada", "bob"]),
        "messages": st.sampled_from(["", "Hi", "hi", "1", "1.0"]).map(
            lambda text: [{"role": "user", "content": text}]
        ),
    }
)


@given(st.lists(requests, min_size=2, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
async def test_nobody_gets_the_answer_to_another_request_or_of_another_tenant(
    world: World, several: list[dict[str, object]]
) -> None:
    world.traces.clear()
    async with ScriptedUpstream(echo) as upstream:
        ports = kept_ports(world, upstream, policy=KeepPolicy(sampled=True))
        ways = [*several, *several]
        calls = [await asked(ports, **one) for one in ways]
    tenants = {trace.trace_id: trace.tenant for trace in world.traces}
    for one, (relay, _), trace in zip(ways, calls, world.traces, strict=True):
        assert tenants[relay.origin[0]] == trace.tenant == one["tenant"]
        told = msgspec.json.decode(trace.answer)
        assert {name: told[name] for name in ("messages", "temperature", "seed", "stop")} == {
            name: one[name] for name in ("messages", "temperature", "seed", "stop")
        }
    assert {relay.cache for relay, _ in calls[len(several) :]} == {"hit"}


endings: list[Ending] = ["done", "no_done", "cut", "malformed", "error", "stall"]


@pytest.mark.parametrize("ending", endings)
async def test_a_fault_in_any_position_leaves_nothing_but_what_is_whole(world: World, ending: Ending) -> None:
    for after in (0, 1, 2, 3, 4, None):
        answers = AnswersInMemory()
        async with ScriptedUpstream([Reply(ending=ending, after=after)]) as upstream:
            ports = anew(kept_ports(world, upstream, answers=answers))
            await _some_of(ports, None)
            is_whole = world.traces[-1].outcome == "answered"
            assert (answers.here.entries, len(answers.relays)) == (int(is_whole), 0)
            assert not is_whole or world.traces[-1].answer == "Hello world."


faults = st.builds(
    Reply,
    ending=st.sampled_from(endings),
    after=st.none() | st.integers(0, 3),
    status=st.sampled_from([200, 200, 200, 400, 401, 429, 500]),
    finish_reason=st.sampled_from(["stop", "stop", "length", "content_filter"]),
)


@given(
    st.lists(faults, min_size=1, max_size=4), st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=4)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
async def test_no_fault_in_any_position_and_nobody_who_leaves_poisons_it(
    world: World, script: list[Reply], callers: list[int | None]
) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream(script) as upstream:
        ports = anew(kept_ports(world, upstream, answers=answers))
        await asyncio.gather(*(_some_of(ports, count) for count in callers))
        assert len(answers.relays) == 0
        if answers.here.entries:
            await asked(ports, stream=True)
            assert world.traces[-1].answer == "Hello world."
            assert step(world.traces[-1])["recalled"] == "exact"


async def _some_of(ports: Ports, count: int | None) -> None:
    """Take so many pieces, and leave; None takes all."""
    try:
        async with aclosing(Relay(wanted(stream=True), ports).pieces()) as pieces:
            taken = 0
            async for _ in pieces:
                taken += 1
                if taken == count:
                    return
    except ButtressError:
        return


async def _is_true(value: object) -> bool:
    return bool(value)

"""A provider over HTTP against a scripted upstream, in each wire format."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import msgspec
import pytest
import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, Tool, ToolCallDelta
from buttress.models import errors
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.dialects.refusals import MAX_MESSAGE
from buttress.models.dialects.types import Tally
from buttress.models.providers.building import FORMATS
from buttress.models.providers.http import Format, HttpParts, HttpProvider
from buttress.models.settings import ModelSettings
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import ProviderCase, ProviderContract, collect, text_of, until
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.golden import Called, Turn, reply_of
from tests.unit.models.providers.asking import HOSTILE, SECRET, ask, echo, http_parts, http_provider

MakeProvider = Callable[[ScriptedUpstream], HttpProvider]


@pytest.fixture(params=list(FORMATS))
def wire(request: pytest.FixtureRequest) -> Format:
    """Give each wire format in turn."""
    return FORMATS[str(request.param)]


@pytest.fixture
async def make(wire: Format) -> AsyncIterator[MakeProvider]:
    """Give a function that builds a provider for an upstream."""
    async with Sessions(OutboundSettings()) as sessions:
        yield lambda upstream: http_provider(wire, upstream.url, sessions)


async def hear(provider: HttpProvider, heard: list[ModelEvent]) -> None:
    async for event in provider.stream(ask()):
        if not isinstance(event, Tally):
            heard.append(event)  # noqa: PERF401 - what came before an error is to be kept


class TestProvidersOverHttpKeepTheContract(ProviderContract):
    """The contract, against an upstream that says what it is asked."""

    @pytest.fixture
    async def case(self, make: MakeProvider) -> AsyncIterator[ProviderCase]:
        async with ScriptedUpstream(echo) as upstream:
            yield ProviderCase(
                provider=make(upstream),
                exchanges=tuple((ask(text), text) for text in ("How much?", *HOSTILE)),
                is_at_rest=lambda: upstream.running == 0,
            )


async def test_missing_usage_is_unknown_not_zero(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(usage=None)]) as upstream:
        events = await collect(make(upstream), ask())
    assert events[-1] == Finished(reason="stop", usage=None, model="gpt-x")


async def test_an_answer_byte_by_byte_is_the_same_answer(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(chunks=("Grüße ", "🙂"), drip=True)]) as upstream:
        assert text_of(await collect(make(upstream), ask())) == "Grüße 🙂"


@pytest.mark.parametrize(("parallel", "told"), [(False, {0}), (True, {0, 1}), (None, {0, 1})])
async def test_who_wants_one_call_at_a_time_gets_the_first(
    make: MakeProvider, *, parallel: bool | None, told: set[int]
) -> None:
    """Gemini cannot be told so, and compatible servers may not heed it."""
    turn = Turn(calls=(Called("f", '{"a":1}'), Called("g", '{"b":2}')))
    request = msgspec.structs.replace(ask(), tools=(Tool(name="f"), Tool(name="g")), parallel_tools=parallel)
    async with ScriptedUpstream(lambda received: reply_of(received.path, turn)) as upstream:
        events = await collect(make(upstream), request)
    assert {event.index for event in events if isinstance(event, ToolCallDelta)} == told
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "tool_calls"


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        pytest.param(Reply(ending="cut", after=1), errors.StreamCut, "Hello", id="a cut connection"),
        pytest.param(Reply(ending="no_done", after=3), errors.StreamCut, "Hello world.", id="no end"),
        pytest.param(Reply(ending="malformed", after=1), errors.BadAnswer, "Hello", id="half a chunk"),
        pytest.param(Reply(ending="error", after=1), errors.ModelUnavailable, "Hello", id="an error object"),
        pytest.param(
            Reply(ending="error", after=0, code="rate_limit_exceeded"),
            errors.RateLimited,
            "",
            id="an error object that says it is a rate limit",
        ),
        pytest.param(
            Reply(ending="error", after=1, kind="overloaded_error"),
            errors.ModelUnavailable,
            "Hello",
            id="overloaded in the middle",
        ),
        pytest.param(
            Reply(ending="error", after=0, kind="authentication_error"),
            errors.RefusedKey,
            "",
            id="an error object that says it is the key",
        ),
        pytest.param(Reply(status=529), errors.ModelUnavailable, "", id="529: overloaded"),
        pytest.param(Reply(status=402), errors.RefusedKey, "", id="402: nothing left to spend"),
        pytest.param(Reply(status=413), errors.WindowExceeded, "", id="413"),
        pytest.param(Reply(status=500), errors.ModelUnavailable, "", id="500"),
        pytest.param(Reply(status=503), errors.ModelUnavailable, "", id="503"),
        pytest.param(Reply(status=429), errors.RateLimited, "", id="429"),
        pytest.param(
            Reply(status=429, code="insufficient_quota"), errors.RefusedKey, "", id="429: no money left"
        ),
        pytest.param(Reply(status=401), errors.RefusedKey, "", id="401"),
        pytest.param(Reply(status=403), errors.RefusedKey, "", id="403"),
        pytest.param(Reply(status=400), errors.BadRequest, "", id="400"),
        pytest.param(Reply(status=404), errors.BadRequest, "", id="404"),
        pytest.param(
            Reply(status=400, code="context_length_exceeded"), errors.WindowExceeded, "", id="window by code"
        ),
        pytest.param(
            Reply(status=400, message="This model's maximum context length is 10 tokens"),
            errors.WindowExceeded,
            "",
            id="window by words",
        ),
        pytest.param(
            Reply(status=400, message="prompt is too long: 210000 tokens > 200000 maximum"),
            errors.WindowExceeded,
            "",
            id="window by other words",
        ),
        pytest.param(Reply(status=302), errors.BadAnswer, "", id="a redirect is not followed"),
    ],
)
async def test_what_goes_wrong_has_a_name(
    make: MakeProvider, reply: Reply, error: type[ButtressError], text: str
) -> None:
    heard: list[ModelEvent] = []
    async with ScriptedUpstream([reply]) as upstream:
        with pytest.raises(error):
            await hear(make(upstream), heard)
        await until(lambda: upstream.running == 0)
    assert not any(isinstance(event, Finished) for event in heard)
    assert text.startswith(text_of(heard))
    if reply.ending != "cut":  # what was under way when a connection breaks may be lost
        assert text_of(heard) == text


async def test_retry_after_is_passed_on(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(status=429, retry_after="7.5")]) as upstream:
        with pytest.raises(errors.RateLimited) as raised:
            await collect(make(upstream), ask())
    assert raised.value.retry_after_s == 7.5


async def test_a_key_that_the_upstream_repeats_is_not_shown(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(status=401, message=f"bad key {SECRET}")]) as upstream:
        with pytest.raises(errors.RefusedKey) as raised:
            await collect(make(upstream), ask())
    assert SECRET not in str(msgspec.json.encode(raised.value.as_dict()))
    assert "bad key ***" in raised.value.message


async def test_an_endless_error_message_is_cut(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(status=400, message="no\n" * 100_000)]) as upstream:
        with pytest.raises(errors.BadRequest) as raised:
            await collect(make(upstream), ask())
    assert len(raised.value.message) < 400
    assert "\n" not in raised.value.message


async def test_nobody_there_is_unavailable(make: MakeProvider) -> None:
    async with ScriptedUpstream() as upstream:
        gone = make(upstream)
    with pytest.raises(errors.ModelUnavailable, match="big could not be reached: the connection was refused"):
        await collect(gone, ask())


async def test_where_an_upstream_is_stands_in_the_log_and_not_in_what_clients_read(
    make: MakeProvider,
) -> None:
    async with ScriptedUpstream() as upstream:
        gone = make(upstream)
        address = upstream.url.removeprefix("http://").partition(":")[0]
    with structlog.testing.capture_logs() as logs, pytest.raises(errors.ModelUnavailable) as raised:
        await collect(gone, ask())
    assert address not in str(raised.value.as_dict())
    assert [(one["event"], address in one["url"]) for one in logs] == [("models.no_answer", True)]


@pytest.mark.parametrize("before", range(MAX_MESSAGE - len(SECRET) - 2, MAX_MESSAGE + 1, 3))
async def test_a_key_that_stands_where_an_error_is_cut_is_not_told_in_part(
    make: MakeProvider, before: int
) -> None:
    told = Reply(ending="error", after=1, message="x" * before + SECRET)
    async with ScriptedUpstream([told]) as upstream:
        with pytest.raises(ButtressError) as raised:
            await collect(make(upstream), ask())
    assert SECRET[:6] not in raised.value.message


@pytest.mark.parametrize("base_url", ["not a url", "/v1", "http://[::1", "http://user:pass@"])
async def test_an_address_that_is_none_is_a_bad_request(wire: Format, base_url: str) -> None:
    async with Sessions(OutboundSettings()) as sessions:
        with pytest.raises(ButtressError) as raised:
            await collect(http_provider(wire, base_url, sessions), ask())
    assert raised.value.code in ("models.bad_request", "models.unavailable")
    assert "pass@" not in raised.value.message


async def test_a_line_for_our_own_connections_is_not_held_against_the_model(wire: Format) -> None:
    async with (
        ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream,
        Sessions(OutboundSettings(connections_per_origin=1)) as sessions,
    ):
        patience = ModelSettings(connect_timeout_s=0.05)
        parts = msgspec.structs.replace(http_parts(sessions), settings=patience)
        model = Model(name="big", id="gpt-x", provider="any", base_url=upstream.url, key="env:KEY")
        provider = HttpProvider(model, wire, parts)
        async with aclosing(provider.stream(ask())) as first:
            await anext(first)
            with pytest.raises(errors.ModelBusy) as raised:
                await collect(provider, ask())
    assert "connections_per_origin" in raised.value.hint


@pytest.mark.parametrize("after", [0, 1])
async def test_a_key_that_is_repeated_in_the_middle_of_a_stream_is_not_told(
    make: MakeProvider, after: int
) -> None:
    told = Reply(ending="error", after=after, message=f"bad key {SECRET}, really {SECRET}")
    async with ScriptedUpstream([told]) as upstream:
        with pytest.raises(ButtressError, match=r"bad key \*\*\*, really \*\*\*") as raised:
            await collect(make(upstream), ask())
    assert SECRET not in str(raised.value) + str(msgspec.json.encode(raised.value.as_dict()))


@pytest.mark.parametrize("secret", ["two\nlines", "naïve", "nul\0"])
async def test_a_key_that_no_header_can_carry_is_refused(wire: Format, secret: str) -> None:
    async with ScriptedUpstream() as upstream, Sessions(OutboundSettings()) as sessions:
        parts = HttpParts(
            sessions=sessions,
            settings=ModelSettings(),
            resolve_secret=lambda _: secret,
            clock=SystemClock(),
        )
        model = Model(name="big", provider="any", base_url=upstream.url, key="env:KEY")
        with pytest.raises(errors.RefusedKey) as raised:
            await collect(HttpProvider(model, wire, parts), ask())
    assert secret not in raised.value.message
    assert upstream.received == []


async def test_half_a_character_in_a_question_is_sent_as_a_question_mark(make: MakeProvider) -> None:
    async with ScriptedUpstream(echo) as upstream:
        assert text_of(await collect(make(upstream), ask("half \ud83d."))) == "half ?."


async def test_a_finished_stream_leaves_its_connection_for_the_next(make: MakeProvider) -> None:
    peers = set()

    def reply(received: Received) -> Reply:
        peers.add(received.peer)
        return Reply()

    async with ScriptedUpstream(reply) as upstream:
        provider = make(upstream)
        for _ in range(20):
            await collect(provider, ask())
    # The last bytes of a body may come when the next request has begun, on another connection.
    assert len(peers) <= 2


async def test_closing_reaches_the_upstream_within_a_tenth_of_a_second(make: MakeProvider) -> None:
    async with ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream:
        async with aclosing(make(upstream).stream(ask())) as stream:
            await anext(stream)
            left_at = asyncio.get_running_loop().time()
        received = upstream.received[0]
        async with asyncio.timeout(5):
            await received.hung_up.wait()
    assert received.hung_up_at is not None
    assert received.hung_up_at - left_at < 0.1


USED_UP = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"}


@pytest.mark.parametrize(
    ("reply", "rests"),
    [
        pytest.param(Reply(), [], id="nothing said"),
        pytest.param(
            Reply(headers=USED_UP | {"x-ratelimit-reset-requests": "6m0s"}),
            [360.0],
            id="an answer, the last one",
        ),
        pytest.param(
            Reply(status=429, headers=USED_UP | {"x-ratelimit-reset-requests": "2s"}), [2.0], id="refused"
        ),
        pytest.param(
            Reply(status=429, retry_after="7", headers=USED_UP | {"x-ratelimit-reset-requests": "2s"}),
            [7.0],
            id="Retry-After comes first",
        ),
        pytest.param(Reply(status=503, retry_after="3"), [3.0], id="overloaded, and says for how long"),
    ],
)
async def test_what_an_upstream_wants_to_be_left_alone_for_is_told(reply: Reply, rests: list[float]) -> None:
    told: list[tuple[str, float]] = []
    async with ScriptedUpstream([reply]) as upstream, Sessions(OutboundSettings()) as sessions:
        parts = msgspec.structs.replace(
            http_parts(sessions), rest=lambda model, seconds: told.append((model.name, seconds))
        )
        model = Model(name="big", provider="openai", base_url=upstream.url)
        failed: list[ButtressError] = []
        try:
            await collect(HttpProvider(model, FORMATS["openai"], parts), ask())
        except ButtressError as error:
            failed.append(error)
    assert all(one.retry_after_s == rests[0] for one in failed if isinstance(one, errors.RateLimited))
    assert all(one.is_overloaded for one in failed if isinstance(one, errors.ModelUnavailable))
    assert len(failed) == int(reply.status != 200)
    assert told == [("big", seconds) for seconds in rests]


async def test_a_whole_answer_that_is_too_long_is_not_passed_on_in_part(sessions: Sessions) -> None:
    settings = ModelSettings(max_answer_bytes=1_024)
    parts = msgspec.structs.replace(http_parts(sessions), settings=settings)
    body = read_body(b'{"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}')
    async with ScriptedUpstream([Reply(chunks=("x" * 2_000,))]) as upstream:
        model = Model(name="m", id="x", provider="openai", base_url=upstream.url)
        frames = HttpProvider(model, FORMATS["openai"], parts).pass_on(body)
        assert frames is not None
        with pytest.raises(errors.BadAnswer, match=r"longer than 1,024 bytes"):
            await anext(frames)

"""Providers through any-llm, over real HTTP; what needs the extra `longtail` is skipped without it."""

import asyncio
import struct
from binascii import crc32
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec

import msgspec
import pytest
from aiohttp import web

from buttress.kernel.catalogue import Model, Option
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent
from buttress.kernel.usage import Usage
from buttress.models import errors
from buttress.models.providers.http import HttpParts
from buttress.models.providers.longtail import LongtailProvider
from buttress.models.settings import ModelSettings
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import ProviderCase, ProviderContract, collect, text_of, until
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.providers.asking import HOSTILE, SECRET, ask, echo

NEEDED = {"openai": "openai", "anthropic": "anthropic", "mistral": "mistralai", "bedrock": "boto3"}
"""The package of each provider's SDK."""

OTHERS = [one for one in NEEDED if one != "bedrock"]


if find_spec("any_llm") is None:
    pytest.skip("any-llm is not installed: pip install 'buttress[longtail]'", allow_module_level=True)


def need(provider: str) -> None:
    """Skip the test where the SDK of `provider` is not installed."""
    if find_spec(NEEDED[provider]) is None:
        pytest.skip(f"{NEEDED[provider]} is not installed: pip install 'any-llm-sdk[{provider}]'")


@pytest.fixture(params=OTHERS)
def name(request: pytest.FixtureRequest) -> str:
    """Give each provider in turn that the scripted upstream can stand for."""
    need(str(request.param))
    return str(request.param)


def provider_of(
    name: str, url: str, secrets: dict[str, str] | None = None, **options: Option
) -> LongtailProvider:
    """Return a provider of the model `big` at `url`, an upstream's; with options it has no key."""
    parts = HttpParts(
        sessions=Sessions(OutboundSettings()),
        settings=ModelSettings(connect_timeout_s=2),
        resolve_secret=(secrets or {"env:KEY": SECRET}).__getitem__,
        clock=SystemClock(),
    )
    base_url = url if name == "openai" else url.removesuffix("/v1")
    model = Model(
        name="big",
        id=f"{name}:big-1",
        provider="longtail",
        base_url=base_url,
        key="" if options else "env:KEY",
        options=tuple(options.items()),
    )
    return LongtailProvider(model, parts)


class TestTheyKeepTheContract(ProviderContract):
    """The contract, against an upstream that says what it is asked."""

    @pytest.fixture
    async def case(self, name: str) -> AsyncIterator[ProviderCase]:
        async with ScriptedUpstream(echo) as upstream:
            yield ProviderCase(
                provider=provider_of(name, upstream.url),
                exchanges=tuple((ask(text), text) for text in ("How much?", *HOSTILE)),
                is_at_rest=lambda: upstream.running == 0,
            )


async def test_usage_comes_in_disjoint_classes(name: str) -> None:
    usage: dict[str, object] = {"prompt_tokens": 40, "completion_tokens": 30, "total_tokens": 70}
    if name == "anthropic":
        usage |= {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 7}
        expected = Usage(input=40, cache_read=60, cache_write=7, output=30)
    else:
        usage |= {
            "prompt_tokens_details": {"cached_tokens": 15},
            "completion_tokens_details": {"reasoning_tokens": 10},
        }
        expected = Usage(input=25, cache_read=15, output=20, reasoning=10)
    async with ScriptedUpstream([Reply(usage=usage, finish_reason="length")]) as upstream:
        events = await collect(provider_of(name, upstream.url), ask())
    assert events[-1] == Finished(reason="length", usage=expected, model="big-1")


async def hear(provider: LongtailProvider, heard: list[ModelEvent], question: str = "Hi?") -> None:
    async for event in provider.stream(ask(question)):
        heard.append(event)  # noqa: PERF401 - what came before an error is to be kept


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        pytest.param(Reply(status=500), errors.ModelUnavailable, "", id="500"),
        pytest.param(Reply(status=529), errors.ModelUnavailable, "", id="529: overloaded"),
        pytest.param(Reply(status=429, retry_after="7"), errors.RateLimited, "", id="429"),
        pytest.param(
            Reply(status=429, code="insufficient_quota"), errors.RefusedKey, "", id="429: no money left"
        ),
        pytest.param(Reply(status=401, message=f"not {SECRET}"), errors.RefusedKey, "", id="401"),
        pytest.param(Reply(status=403), errors.RefusedKey, "", id="403"),
        pytest.param(Reply(status=400), errors.BadRequest, "", id="400"),
        pytest.param(Reply(status=404), errors.BadRequest, "", id="404"),
        pytest.param(
            Reply(status=400, message="This model's maximum context length is 10 tokens"),
            errors.WindowExceeded,
            "",
            id="the window",
        ),
        pytest.param(Reply(ending="cut", after=1), errors.StreamCut, "Hello", id="a cut connection"),
        pytest.param(Reply(ending="no_done", after=3), errors.StreamCut, "Hello world.", id="no end"),
    ],
)
async def test_what_goes_wrong_is_said_in_our_words_and_asked_once(
    name: str, reply: Reply, error: type[ButtressError], text: str
) -> None:
    heard: list[ModelEvent] = []
    async with ScriptedUpstream([reply]) as upstream:
        with pytest.raises(error) as raised:
            await hear(provider_of(name, upstream.url), heard)
    assert text_of(heard) == text
    assert SECRET not in raised.value.message
    assert len(upstream.received) == 1
    if isinstance(raised.value, errors.RateLimited):
        assert raised.value.retry_after_s == 7


async def test_an_upstream_that_is_not_there(name: str) -> None:
    with pytest.raises(errors.ModelUnavailable) as raised:
        await collect(provider_of(name, "http://127.0.0.1:9/v1"), ask())
    assert not raised.value.may_have_worked


async def test_connections_are_kept_until_the_key_is_another(name: str) -> None:
    secrets = {"env:KEY": "first"}
    async with ScriptedUpstream() as upstream:
        provider = provider_of(name, upstream.url, secrets)
        for key in ("first", "first", "second"):
            secrets["env:KEY"] = key
            await collect(provider, ask())
    peers = [one.peer for one in upstream.received]
    assert peers[1] != peers[2]
    assert peers[0] == peers[1] or name == "mistral"  # any-llm leaves its answers before the end of the body
    assert ["second" in str(one.headers) for one in upstream.received] == [False, False, True]


async def test_a_provider_that_the_library_has_not() -> None:
    with pytest.raises(errors.BadRequest, match="any-llm knows no provider `nobody`"):
        await collect(provider_of("nobody", "http://127.0.0.1:9/v1"), ask())


async def test_without_an_sdk_it_says_what_to_install() -> None:
    missing = next(
        one for one, package in (("cohere", "cohere"), ("xai", "xai_sdk")) if not find_spec(package)
    )
    with pytest.raises(errors.LongtailMissing) as raised:
        await collect(provider_of(missing, "http://127.0.0.1:9/v1"), ask())
    assert f"pip install 'any-llm-sdk[{missing}]'" in raised.value.hint


def frame(kind: str, **said: object) -> bytes:
    """Return one message of the stream that Bedrock answers with (application/vnd.amazon.eventstream)."""
    told = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in told.items()
    )
    payload = msgspec.json.encode(said)
    start = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    whole = start + struct.pack(">I", crc32(start)) + headers + payload
    return whole + struct.pack(">I", crc32(whole))


class Bedrock:
    """Stands for Bedrock's ConverseStream: says three words; who asks `wait` is kept waiting after each."""

    def __init__(self) -> None:
        self.asked = 0
        self.running = 0
        self.go_on = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen for the block; give the address."""
        app = web.Application()
        app.router.add_post("/model/{model}/converse-stream", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.running += 1
        try:
            return await self._say(request)
        finally:
            self.running -= 1

    async def _say(self, request: web.Request) -> web.StreamResponse:
        question = (await request.json())["messages"][0]["content"][0]["text"]
        if question == "fail":
            return web.json_response({"message": "too busy"}, status=503)
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.amazon.eventstream"})
        await response.prepare(request)
        await response.write(frame("messageStart", role="assistant"))
        for text in ("one", "two", "three"):
            await response.write(frame("contentBlockDelta", contentBlockIndex=0, delta={"text": text}))
            if question == "wait":
                await self.go_on.wait()
        await response.write(frame("messageStop", stopReason="end_turn"))
        usage = {"inputTokens": 5, "outputTokens": 3, "totalTokens": 15, "cacheReadInputTokens": 7}
        await response.write(frame("metadata", usage=usage, metrics={"latencyMs": 1}))
        return response


class TestOneWhoseSdkBlocks:
    """Bedrock, through boto3."""

    @pytest.fixture
    async def bedrock(self) -> AsyncIterator[tuple[Bedrock, LongtailProvider]]:
        need("bedrock")
        server = Bedrock()
        async with server.listening() as url:
            yield (
                server,
                provider_of(
                    "bedrock",
                    url,
                    region_name="eu-central-1",
                    aws_access_key_id="made-up",
                    aws_secret_access_key=SECRET,
                ),
            )

    async def test_usage_and_text_come_as_from_any_other(
        self, bedrock: tuple[Bedrock, LongtailProvider]
    ) -> None:
        events = await collect(bedrock[1], ask())
        assert text_of(events) == "onetwothree"
        expected = Usage(input=5, cache_read=7, output=3)
        assert events[-1] == Finished(reason="stop", usage=expected, model="big-1")

    async def test_one_that_stalls_keeps_nobody_waiting(
        self, bedrock: tuple[Bedrock, LongtailProvider]
    ) -> None:
        server, provider = bedrock
        async with aclosing(provider.stream(ask("wait"))) as stalled:
            assert text_of([await anext(stalled)]) == "one"
            assert text_of(await collect(provider, ask())) == "onetwothree"
            server.go_on.set()
            assert text_of([event async for event in stalled]) == "twothree"

    async def test_one_that_is_closed_is_left_at_once(
        self, bedrock: tuple[Bedrock, LongtailProvider]
    ) -> None:
        server, provider = bedrock
        async with aclosing(provider.stream(ask("wait"))) as stalled:
            await anext(stalled)
        await until(lambda: server.running == 0)

    async def test_one_that_is_waited_for_is_left_at_once(
        self, bedrock: tuple[Bedrock, LongtailProvider]
    ) -> None:
        server, provider = bedrock
        heard: list[ModelEvent] = []
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hear(provider, heard, "wait"))
            await until(lambda: len(heard) == 1)
            task.cancel()
        await until(lambda: server.running == 0)

    async def test_it_is_asked_once(self, bedrock: tuple[Bedrock, LongtailProvider]) -> None:
        server, provider = bedrock
        with pytest.raises(errors.ModelUnavailable) as raised:
            await collect(provider, ask("fail"))
        assert (server.asked, raised.value.is_overloaded) == (1, True)

"""The scripted upstream does what its script says."""

import asyncio

import aiohttp
import msgspec
import pytest

from buttress.testing.contracts.provider import until
from buttress.testing.upstream import Received, Reply, ScriptedUpstream

BODY: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}


async def post(
    upstream: ScriptedUpstream, *, stream: bool = True, path: str = "chat/completions"
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{upstream.url}/{path}", json=BODY | {"stream": stream}) as response,
    ):
        return response.status, await response.text()


async def test_a_stream_has_the_order_of_the_format() -> None:
    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"))]) as upstream:
        status, text = await post(upstream)
    datas = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
    chunks = [msgspec.json.decode(data) for data in datas[:-1]]
    assert status == 200
    assert datas[-1] == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 10)


async def test_a_stream_of_messages_has_the_order_of_that_format() -> None:
    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"), finish_reason="length")]) as upstream:
        _, text = await post(upstream, path="messages")
    lines = [event.split("\n") for event in text.split("\n\n") if event]
    events = [msgspec.json.decode(data.removeprefix("data: ")) for _, data in lines]
    kinds = [event["type"] for event in events]
    assert [name for name, _ in lines] == [f"event: {kind}" for kind in kinds]
    assert kinds == [
        *("message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert events[0]["message"]["usage"] == {"input_tokens": 7, "output_tokens": 1}
    assert events[-2]["delta"] == {"stop_reason": "max_tokens"}
    assert events[-2]["usage"] == {"input_tokens": 7, "output_tokens": 3}


async def test_messages_are_answered_and_refused_in_their_format() -> None:
    async with ScriptedUpstream([Reply(), Reply(status=529, kind="overloaded_error")]) as upstream:
        _, whole = await post(upstream, stream=False, path="messages")
        status, refused = await post(upstream, path="messages")
    assert msgspec.json.decode(whole)["content"] == [{"type": "text", "text": "Hello world."}]
    assert status == 529
    assert msgspec.json.decode(refused)["error"] == {"type": "overloaded_error", "message": "scripted"}


GEMINI = "models/g-3:streamGenerateContent"


async def test_a_stream_of_generate_content_has_the_order_of_that_format() -> None:
    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"), finish_reason="length")]) as upstream:
        _, text = await post(upstream, path=GEMINI, stream=False)
    pieces = [msgspec.json.decode(event.removeprefix("data: ")) for event in text.split("\n\n") if event]
    told = [piece["candidates"][0] for piece in pieces]
    assert [one["content"]["parts"] for one in told] == [[{"text": "Hel"}], [{"text": "lo"}], [{"text": ""}]]
    assert [one.get("finishReason") for one in told] == [None, None, "MAX_TOKENS"]
    assert pieces[-1]["modelVersion"] == "g-3"
    assert pieces[-1]["usageMetadata"] == {
        "promptTokenCount": 7,
        "candidatesTokenCount": 3,
        "totalTokenCount": 10,
    }


async def test_generate_content_is_answered_and_refused_in_its_format() -> None:
    def echo(received: Received) -> Reply:
        return Reply(chunks=(received.question,))

    body: dict[str, object] = {"contents": [{"role": "user", "parts": [{"text": "Hi?"}]}]}
    async with ScriptedUpstream(echo) as upstream, aiohttp.ClientSession() as session:
        url = f"{upstream.url}/models/g-3:generateContent"
        async with session.post(url, json=body) as response:
            whole = msgspec.json.decode(await response.read())
    assert whole["candidates"][0]["content"]["parts"] == [{"text": "Hi?"}]
    refusal = Reply(status=429, code="rate_limit_exceeded")
    async with ScriptedUpstream([refusal]) as upstream:
        status, refused = await post(upstream, path=GEMINI)
    error = msgspec.json.decode(refused)["error"]
    assert (status, error["code"], error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")


async def test_without_stream_it_answers_at_once() -> None:
    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"))]) as upstream:
        _, text = await post(upstream, stream=False)
    body = msgspec.json.decode(text)
    assert body["choices"][0]["message"]["content"] == "Hello"
    assert body["usage"]["prompt_tokens"] == 7


async def test_each_request_takes_the_next_reply_and_the_last_one_stays() -> None:
    async with ScriptedUpstream([Reply(status=500), Reply(status=429, retry_after="3"), Reply()]) as upstream:
        assert [(await post(upstream))[0] for _ in range(4)] == [500, 429, 200, 200]


async def test_a_script_may_be_a_function_of_the_request() -> None:
    def echo(received: Received) -> Reply:
        return Reply(chunks=(received.question,))

    async with ScriptedUpstream(echo) as upstream:
        assert '"Hi?"' in (await post(upstream))[1]
    assert upstream.received[0].body["model"] == "m"
    assert upstream.received[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("ending", "last"),
    [
        pytest.param("no_done", "", id="closes without done"),
        pytest.param("malformed", 'data: {"choices": [{"delta": {"content": "hal', id="half a chunk"),
        pytest.param(
            "error",
            'data: {"error":{"message":"scripted","type":"scripted_error","param":null,"code":null}}',
            id="an error object",
        ),
    ],
)
async def test_a_stream_may_end_badly(ending: str, last: str) -> None:
    reply = msgspec.convert({"chunks": ["a", "b"], "ending": ending, "after": 1}, Reply)
    async with ScriptedUpstream([reply]) as upstream:
        _, text = await post(upstream)
    assert "[DONE]" not in text
    assert '"content":"a"' in text
    assert '"content":"b"' not in text
    assert text.rstrip("\n").endswith(last)


async def test_a_cut_breaks_the_connection() -> None:
    async with ScriptedUpstream([Reply(ending="cut", after=1)]) as upstream:
        with pytest.raises(aiohttp.ClientError):
            await post(upstream)


async def test_who_goes_away_is_noticed() -> None:
    async with ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(upstream)
        await until(lambda: upstream.running == 0)
    received = upstream.received[0]
    assert received.hung_up.is_set()
    assert received.hung_up_at is not None
    assert received.hung_up_at > received.at


async def test_delays_are_kept() -> None:
    async with ScriptedUpstream([Reply(first_delay_s=0.03, chunk_delay_s=0.02)]) as upstream:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await post(upstream)
        assert loop.time() - began >= 0.07


async def test_two_upstreams_do_not_meet() -> None:
    async with ScriptedUpstream() as one, ScriptedUpstream([Reply(status=401)]) as other:
        assert one.url != other.url
        assert [(await post(one))[0], (await post(other))[0]] == [200, 401]
    assert len(one.received) == len(other.received) == 1

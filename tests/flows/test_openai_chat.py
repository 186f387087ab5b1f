"""OpenAI's own client, unmodified: chat completions and embeddings, over models of its API and of others."""

import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio
from openai import (
    APIError,
    APIStatusError,
    AsyncOpenAI,
    BadRequestError,
    ContentFilterFinishReasonError,
    LengthFinishReasonError,
    NotFoundError,
    RateLimitError,
    pydantic_function_tool,
)
from openai.lib.streaming.chat import FunctionToolCallArgumentsDoneEvent
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from buttress.testing.upstream import Recording, Reply
from tests.flows.clients import (
    ANTHROPIC,
    BROKEN,
    EVERY,
    FAILURES,
    GEMINI,
    ILL,
    LIMITED,
    OPENAI,
    Stage,
    classes_of,
    shown,
)
from tests.flows.golden import Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

HI: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is the weather in Paris and in Rome?"},
]
SAID = Turn(thinking="They want the weather.", text="It is mild in both: 18 °C, and 24 °C.")
CALLING = Turn(
    calls=(
        Called("Weather", '{"city":"Paris","unit":"c"}'),
        Called("Weather", '{"city":"Rome","unit":"c"}'),
    )
)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


class Weather(BaseModel):
    """Tell the weather of a city."""

    city: str
    unit: str


class Place(BaseModel):
    """What is known of a place."""

    city: str
    inhabitants: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(the_stage: Stage) -> AsyncIterator[AsyncOpenAI]:
    """The client as anyone makes it, its retries at their default."""
    async with AsyncOpenAI(base_url=f"{the_stage.url}/v1", api_key="none yet") as made:
        yield made


@pytest.mark.parametrize("model", EVERY)
async def test_a_whole_answer_with_usage_in_its_classes(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    answer = await client.chat.completions.create(model=model, messages=HI)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (SAID.text, "stop")
    assert choice.message.to_dict()["reasoning_content"] == SAID.thinking
    usage = answer.usage
    assert usage
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (125, 42, 167)
    assert usage.prompt_tokens_details.cached_tokens == 100
    assert usage.completion_tokens_details.reasoning_tokens == 12


@pytest.mark.parametrize("model", EVERY)
async def test_a_stream_gives_its_text_in_order_and_its_usage_last(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    stream = await client.chat.completions.create(
        model=model, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == SAID.text
    assert "".join(str(delta.to_dict().get("reasoning_content") or "") for delta in deltas) == SAID.thinking
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens == 167
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"


@pytest.mark.parametrize("model", EVERY)
async def test_who_does_not_ask_for_usage_gets_no_chunk_of_it(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    stream = await client.chat.completions.create(model=model, messages=HI, stream=True)
    assert all([chunk.choices and chunk.usage is None async for chunk in stream])


@pytest.mark.parametrize("model", EVERY)
async def test_parallel_calls_of_a_tool_come_as_deltas_by_index(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(CALLING)
    stream = await client.chat.completions.create(
        model=model, messages=HI, tools=[pydantic_function_tool(Weather)], stream=True
    )
    names, written, reason = {}, {0: "", 1: ""}, None
    async for chunk in stream:
        choice = chunk.choices[0]
        reason = choice.finish_reason or reason
        for piece in choice.delta.tool_calls or ():
            assert piece.function
            if piece.id:
                assert piece.index not in names, "an id comes in a call's first piece only"
                names[piece.index] = piece.function.name
            written[piece.index] += piece.function.arguments or ""
    assert names == {0: "Weather", 1: "Weather"}
    assert [json.loads(one) for one in written.values()] == [
        {"city": "Paris", "unit": "c"},
        {"city": "Rome", "unit": "c"},
    ]
    assert reason == "tool_calls"


@pytest.mark.parametrize("model", EVERY)
async def test_the_streaming_helper_parses_each_call(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(CALLING)
    tools = [pydantic_function_tool(Weather)]
    async with client.chat.completions.stream(model=model, messages=HI, tools=tools) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_completion()
    done = [event for event in events if isinstance(event, FunctionToolCallArgumentsDoneEvent)]
    both = [Weather(city="Paris", unit="c"), Weather(city="Rome", unit="c")]
    assert [event.parsed_arguments for event in done] == both
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == both
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("model", EVERY)
async def test_results_of_tools_go_back_and_the_answer_comes(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(CALLING, SAID)
    tools = [pydantic_function_tool(Weather)]
    first = await client.chat.completions.create(model=model, messages=HI, tools=tools)
    message = first.choices[0].message
    calls = message.tool_calls or []
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{at + 18} degrees"}
        for at, call in enumerate(calls)
    ]
    turns = cast("list[ChatCompletionMessageParam]", [*HI, message, *results])
    second = await client.chat.completions.create(model=model, messages=turns, tools=tools)
    assert second.choices[0].message.content == SAID.text
    assert all(word in shown(stage.body()) for word in ("18 degrees", "19 degrees", "Paris", "Rome"))


@pytest.mark.parametrize("model", EVERY)
async def test_an_answer_of_a_schema_is_parsed(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(*[Turn(text='{"city":"Rome","inhabitants":2750000}')] * 2)
    whole = await client.chat.completions.parse(model=model, messages=HI, response_format=Place)
    assert whole.choices[0].message.parsed == Place(city="Rome", inhabitants=2_750_000)
    async with client.chat.completions.stream(model=model, messages=HI, response_format=Place) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.parsed == whole.choices[0].message.parsed
    asked = {OPENAI: "response_format", ANTHROPIC: "output_config", GEMINI: "responseJsonSchema"}[model]
    assert asked in shown(stage.body())
    assert "inhabitants" in shown(stage.body())


@pytest.mark.parametrize("model", EVERY)
async def test_a_structure_that_was_cut_short_is_never_parsed(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(*[Turn(text='{"city":"Rome","inhabitants":27', is_cut_short=True)] * 2)
    with pytest.raises(LengthFinishReasonError):
        await client.chat.completions.parse(model=model, messages=HI, response_format=Place)
    async with client.chat.completions.stream(model=model, messages=HI, response_format=Place) as stream:
        with pytest.raises(LengthFinishReasonError):
            await stream.get_final_completion()


@pytest.mark.parametrize("model", EVERY)
async def test_what_a_filter_stopped_is_never_parsed(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(Reply(finish_reason="content_filter"))
    with pytest.raises(ContentFilterFinishReasonError):
        await client.chat.completions.parse(model=model, messages=HI, response_format=Place)


@pytest.mark.parametrize("model", EVERY)
async def test_pictures_reach_the_model(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(SAID)
    messages: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}},
            ],
        }
    ]
    answer = await client.chat.completions.create(model=model, messages=messages)
    assert answer.choices[0].message.content == SAID.text
    assert PIXEL in shown(stage.body())
    assert "https://example.org/cat.png" in shown(stage.body())


async def test_two_answers_with_their_probabilities_pass_on_as_they_came(
    stage: Stage, client: AsyncOpenAI
) -> None:
    stage.play(Reply(recording=_two_answers()))
    answer = await client.chat.completions.create(
        model=OPENAI,
        messages=HI,
        n=2,
        logprobs=True,
        top_logprobs=1,
        seed=7,
        extra_body={"guided_regex": "[01]+", "provider": {"order": ["a", "b"]}},
    )
    assert [choice.message.content for choice in answer.choices] == ["0", "1"]
    assert [_probability(choice.logprobs and choice.logprobs.content) for choice in answer.choices] == [
        *(-0.25, -1.5),
    ]
    body = stage.body()
    assert (body["n"], body["logprobs"], body["top_logprobs"], body["seed"]) == (2, True, 1, 7)
    assert (body["guided_regex"], body["provider"]) == ("[01]+", {"order": ["a", "b"]})


async def test_two_answers_are_streamed_side_by_side(stage: Stage, client: AsyncOpenAI) -> None:
    stage.play(Reply(recording=_two_answers()))
    async with client.chat.completions.stream(model=OPENAI, messages=HI, n=2, logprobs=True) as stream:
        final = await stream.get_final_completion()
    assert [choice.message.content for choice in final.choices] == ["0", "1"]
    assert [_probability(choice.logprobs and choice.logprobs.content) for choice in final.choices] == [
        *(-0.25, -1.5),
    ]


def _probability(content: object) -> float:
    assert isinstance(content, list)
    logprob: float = content[0].logprob
    return logprob


def _two_answers() -> Recording:
    """Return two answers to one request, each with its probability."""
    head = {"id": "chatcmpl-two", "created": 1_795_000_000, "model": "gpt-5-mini"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    choices, chunks = [], []
    for at, (text, logprob) in enumerate((("0", -0.25), ("1", -1.5))):
        token = {"token": text, "logprob": logprob, "bytes": [48 + at], "top_logprobs": []}
        logprobs = {"content": [token], "refusal": None}
        said = {"role": "assistant", "content": text}
        choices.append({"index": at, "message": said, "logprobs": logprobs, "finish_reason": "stop"})
        chunks += [
            {"index": at, "delta": said, "logprobs": logprobs, "finish_reason": None},
            {"index": at, "delta": {}, "logprobs": None, "finish_reason": "stop"},
        ]
    whole = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
    head["object"] = "chat.completion.chunk"
    told = [{**head, "choices": [one]} for one in sorted(chunks, key=lambda one: bool(one["finish_reason"]))]
    events = [*told, {**head, "choices": [], "usage": usage}]
    stream = "".join(f"data: {json.dumps(one)}\n\n" for one in events) + "data: [DONE]\n\n"
    return Recording(stream.encode(), json.dumps(whole).encode())


@pytest.mark.parametrize("model", [ANTHROPIC, GEMINI])
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        pytest.param({"n": 2}, "n", id="several answers"),
        pytest.param({"logprobs": True}, "logprobs", id="probabilities"),
        pytest.param({"logit_bias": {"50256": -100}}, "logit_bias", id="a bias by token ids"),
    ],
)
async def test_what_another_api_cannot_say_is_refused_by_its_name(
    stage: Stage, client: AsyncOpenAI, model: str, asked: dict[str, object], param: str
) -> None:
    with pytest.raises(BadRequestError) as raised:
        await client.chat.completions.create(model=model, messages=HI, extra_body=asked)
    assert (raised.value.code, raised.value.param) == ("models.untranslatable", param)
    assert "Leave the field out" in hint_of(raised.value) or "Ask several times" in hint_of(raised.value)
    assert not stage.asked


async def test_a_file_passes_on_to_its_own_api_and_is_refused_by_others(
    stage: Stage, client: AsyncOpenAI
) -> None:
    stage.play(SAID)
    messages: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is in it?"},
                {
                    "type": "file",
                    "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"},
                },
            ],
        }
    ]
    await client.chat.completions.create(model=OPENAI, messages=messages)
    assert PIXEL in shown(stage.body())
    with pytest.raises(BadRequestError) as raised:
        await client.chat.completions.create(model=ANTHROPIC, messages=messages)
    assert (raised.value.code, raised.value.param) == ("models.untranslatable", "messages[0].content[1]")


@pytest.mark.parametrize("model", [ANTHROPIC, GEMINI])
async def test_fields_that_nobody_knows_are_left_out_and_named(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    told = await client.chat.completions.with_raw_response.create(
        model=model, messages=HI, user="ada", extra_body={"guided_regex": "[01]+"}
    )
    assert told.headers["x-buttress-ignored"] == "user, guided_regex"
    assert told.parse().choices[0].message.content == SAID.text


def hint_of(error: APIError) -> str:
    """Return what the error says to do."""
    assert isinstance(error.body, dict)
    hint = error.body["hint"]
    assert isinstance(hint, str)
    return hint


@pytest.mark.parametrize("model", EVERY)
@FAILURES
async def test_a_failure_is_raised_as_its_class_with_code_and_hint(
    stage: Stage, client: AsyncOpenAI, reply: Reply, kind: str, code: str, model: str
) -> None:
    stage.play(reply)
    with pytest.raises(APIStatusError) as raised:
        await client.with_options(max_retries=0).chat.completions.create(model=model, messages=HI)
    assert kind in classes_of(raised.value)
    assert raised.value.code == code
    assert hint_of(raised.value)


async def test_a_rate_limit_says_when_to_ask_again(stage: Stage, client: AsyncOpenAI) -> None:
    stage.play(Reply(status=429, retry_after="7"))
    with pytest.raises(RateLimitError) as raised:
        await client.with_options(max_retries=0).chat.completions.create(model=LIMITED, messages=HI)
    assert raised.value.response.headers["x-should-retry"] == "true"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 7


@pytest.mark.parametrize(
    ("reply", "model", "times"),
    [
        pytest.param(Reply(status=401), ILL, 1, id="what will not change is asked once"),
        pytest.param(Reply(), "nobody", 0, id="a model that there is not is not asked for again"),
    ],
)
async def test_the_client_does_not_retry_where_it_is_of_no_use(
    stage: Stage, client: AsyncOpenAI, reply: Reply, model: str, times: int
) -> None:
    assert client.max_retries == 2
    stage.play(*[reply] * 3)
    with pytest.raises(APIStatusError) as raised:
        await client.chat.completions.create(model=model, messages=HI)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(stage.asked) == times


async def test_a_model_that_there_is_not_is_not_found(stage: Stage, client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError) as raised:
        await client.models.retrieve("nobody")
    assert raised.value.code == "server.model_unknown"
    with pytest.raises(NotFoundError) as raised:
        await client.chat.completions.create(model="nobody", messages=HI)
    assert raised.value.code == "gateway.model_unknown"
    assert "gpt" in hint_of(raised.value)


@BROKEN
@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("helper", [True, False], ids=["by the helper", "chunk by chunk"])
async def test_a_stream_that_breaks_is_an_error_after_its_last_word(
    stage: Stage, client: AsyncOpenAI, model: str, reply: Reply, code: str, *, helper: bool
) -> None:
    stage.play(reply)
    texts: list[str] = []
    with pytest.raises(APIError) as raised:
        await (_read_by_helper if helper else _read)(client, model, texts)
    assert ("".join(texts), raised.value.code) == ("One. Two. ", code)
    assert hint_of(raised.value)


async def _read(client: AsyncOpenAI, model: str, texts: list[str]) -> None:
    async for chunk in await client.chat.completions.create(model=model, messages=HI, stream=True):
        texts += [chunk.choices[0].delta.content or ""]


async def _read_by_helper(client: AsyncOpenAI, model: str, texts: list[str]) -> None:
    async with client.chat.completions.stream(model=model, messages=HI) as stream:
        async for event in stream:
            if event.type == "content.delta":
                texts += [event.delta]


async def test_texts_are_embedded_by_the_model_that_is_listed_last(client: AsyncOpenAI) -> None:
    names = [one.id async for one in client.models.list()]
    assert set(EVERY) < set(names)
    assert (await client.models.retrieve(names[-1])).id == names[-1]
    packed = await client.embeddings.create(model=names[-1], input=["a refund", "money back", "a cat"])
    plain = await client.embeddings.create(
        model=names[-1], input=["a refund", "money back", "a cat"], encoding_format="float"
    )
    assert [one.index for one in packed.data] == [0, 1, 2]
    assert packed.usage.total_tokens > 0
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    refund, money, cat = (one.embedding for one in plain.data)
    near = sum(a * b for a, b in zip(refund, money, strict=True))
    assert near > sum(a * b for a, b in zip(refund, cat, strict=True))
    with pytest.raises(BadRequestError) as raised:
        await client.embeddings.create(model=names[-1], input="a refund", dimensions=64)
    assert (raised.value.code, raised.value.param) == ("server.field_unsupported", "dimensions")

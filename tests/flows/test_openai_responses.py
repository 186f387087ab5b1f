"""OpenAI's own client, unmodified: the Responses API, over models that speak other APIs."""

import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio
from openai import APIError, AsyncOpenAI, BadRequestError, NotFoundError, pydantic_function_tool
from openai.types.responses import (
    FunctionToolParam,
    ParsedResponseFunctionToolCall,
    Response,
    ResponseFunctionToolCall,
    ResponseInputParam,
    ResponseReasoningItem,
)
from pydantic import BaseModel

from buttress.testing.upstream import Reply
from tests.flows.clients import ANTHROPIC, BROKEN, EVERY, GEMINI, ILL, OPENAI, Stage, shown
from tests.flows.golden import SIGNATURE, Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

QUESTION = "What is the weather in Paris and in Rome?"
SAID = Turn(thinking="They want the weather.", text="It is mild in both: 18 °C, and 24 °C.")
CALLING = Turn(
    thinking="I need two calls.",
    calls=(Called("weather", '{"city":"Paris"}'), Called("weather", '{"city":"Rome"}')),
)
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "description": "Tell the weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Place(BaseModel):
    """What is known of a place."""

    city: str
    inhabitants: int


class Weather(BaseModel):
    """Tell the weather of a city."""

    city: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(the_stage: Stage) -> AsyncIterator[AsyncOpenAI]:
    """The client as anyone makes it."""
    async with AsyncOpenAI(base_url=f"{the_stage.url}/v1", api_key="none yet") as made:
        yield made


def kinds(response: Response) -> list[str]:
    """Return what the answer is made of."""
    return [item.type for item in response.output]


@pytest.mark.parametrize("model", EVERY)
async def test_a_whole_answer_with_usage_in_its_classes(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    answer = await client.responses.create(
        model=model, input=QUESTION, instructions="Be brief.", metadata={"team": "weather"}
    )
    assert (answer.output_text, answer.status) == (SAID.text, "completed")
    assert kinds(answer) == ["reasoning", "message"]
    assert isinstance(answer.output[0], ResponseReasoningItem)
    assert answer.output[0].summary[0].text == SAID.thinking
    assert (answer.instructions, answer.metadata) == ("Be brief.", {"team": "weather"})
    assert answer.to_dict()["store"] is False
    usage = answer.usage
    assert usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (125, 42, 167)
    assert usage.input_tokens_details.cached_tokens == 100
    assert usage.output_tokens_details.reasoning_tokens == 12
    assert "Be brief." in shown(stage.body())


@pytest.mark.parametrize("model", EVERY)
async def test_the_streaming_helper_sees_every_piece_and_the_whole(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(SAID)
    async with client.responses.stream(model=model, input=QUESTION) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    thoughts = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert "".join(texts) == final.output_text == SAID.text
    assert "".join(thoughts) == SAID.thinking
    assert len(texts) > 1, "as it came, not in one piece"
    assert final.usage
    assert final.usage.total_tokens == 167


@pytest.mark.parametrize("model", EVERY)
async def test_parallel_calls_are_streamed_each_as_an_item(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(CALLING)
    async with client.responses.stream(
        model=model, input=QUESTION, tools=[pydantic_function_tool(Weather, name="weather")]
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    written: dict[int, str] = {}
    for event in events:
        if event.type == "response.function_call_arguments.delta":
            written[event.output_index] = written.get(event.output_index, "") + event.delta
    assert [json.loads(one) for one in written.values()] == [{"city": "Paris"}, {"city": "Rome"}]
    calls = [item for item in final.output if isinstance(item, ParsedResponseFunctionToolCall)]
    assert [call.parsed_arguments for call in calls] == [Weather(city="Paris"), Weather(city="Rome")]
    assert len({call.call_id for call in calls}) == len({call.id for call in calls}) == 2


@pytest.mark.parametrize("model", EVERY)
async def test_a_conversation_goes_on_by_sending_back_all_of_the_output(
    stage: Stage, client: AsyncOpenAI, model: str
) -> None:
    stage.play(CALLING, SAID)
    first = await client.responses.create(
        model=model,
        input=QUESTION,
        tools=[WEATHER],
        store=False,
        include=["reasoning.encrypted_content"],
    )
    calls = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"{at + 18} degrees"}
        for at, call in enumerate(calls)
    ]
    turns = [{"role": "user", "content": QUESTION}, *first.output, *results]
    second = await client.responses.create(
        model=model, input=cast("ResponseInputParam", turns), tools=[WEATHER], store=False
    )
    assert second.output_text == SAID.text
    sent = shown(stage.body())
    assert all(word in sent for word in ("18 degrees", "19 degrees", "Paris", "Rome"))
    proof = {OPENAI: "", ANTHROPIC: SIGNATURE, GEMINI: "CiQBjz1golden=="}[model]
    assert proof in sent, "what proves the thinking goes back to where it came from"


@pytest.mark.parametrize("model", EVERY)
async def test_an_answer_of_a_schema_is_parsed(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(*[Turn(text='{"city":"Rome","inhabitants":2750000}')] * 2)
    whole = await client.responses.parse(model=model, input=QUESTION, text_format=Place)
    async with client.responses.stream(model=model, input=QUESTION, text_format=Place) as stream:
        final = await stream.get_final_response()
    assert whole.output_parsed == final.output_parsed == Place(city="Rome", inhabitants=2_750_000)
    assert "inhabitants" in shown(stage.body())


@pytest.mark.parametrize("model", EVERY)
async def test_an_answer_that_was_cut_short_says_so(stage: Stage, client: AsyncOpenAI, model: str) -> None:
    stage.play(Turn(text="It is", is_cut_short=True))
    answer = await client.responses.create(model=model, input=QUESTION, max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_pictures_reach_the_model(stage: Stage, client: AsyncOpenAI) -> None:
    stage.play(SAID)
    picture = "data:image/png;base64,iVBORw0KGgo="
    turns: ResponseInputParam = [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is it?"},
                {"type": "input_image", "image_url": picture, "detail": "auto"},
            ],
        }
    ]
    assert (await client.responses.create(model=OPENAI, input=turns)).output_text == SAID.text
    assert picture in shown(stage.body())


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        pytest.param({"store": True}, "store", id="an answer that is kept"),
        pytest.param({"previous_response_id": "resp_1"}, "previous_response_id", id="one that was kept"),
        pytest.param({"background": True}, "background", id="an answer fetched later"),
        pytest.param({"conversation": "conv_1"}, "conversation", id="a conversation"),
    ],
)
async def test_state_is_refused_with_a_hint(
    stage: Stage, client: AsyncOpenAI, asked: dict[str, object], param: str
) -> None:
    with pytest.raises(BadRequestError) as raised:
        await client.responses.create(model=OPENAI, input=QUESTION, extra_body=asked)
    assert (raised.value.code, raised.value.param) == ("models.state_unsupported", param)
    assert isinstance(raised.value.body, dict)
    assert "send the whole conversation" in raised.value.body["hint"]
    assert not stage.asked


async def test_an_answer_that_was_kept_elsewhere_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError) as raised:
        await client.responses.retrieve("resp_1")
    assert raised.value.code == "server.route_unknown"


async def test_a_tool_that_runs_at_openai_is_refused_by_its_name(stage: Stage, client: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError) as raised:
        await client.responses.create(model=OPENAI, input=QUESTION, tools=[{"type": "web_search"}])
    assert (raised.value.code, raised.value.param) == ("models.untranslatable", "tools[0].type")
    assert not stage.asked


@BROKEN
@pytest.mark.parametrize("helper", [True, False], ids=["by the helper", "event by event"])
async def test_a_stream_that_breaks_is_an_error_after_its_last_word(
    stage: Stage, client: AsyncOpenAI, reply: Reply, code: str, *, helper: bool
) -> None:
    stage.play(reply)
    texts: list[str] = []
    with pytest.raises(APIError) as raised:
        await (_read_by_helper if helper else _read)(client, texts)
    assert ("".join(texts), raised.value.code) == ("One. Two. ", code)


async def _read(client: AsyncOpenAI, texts: list[str]) -> None:
    async for event in await client.responses.create(model=ILL, input=QUESTION, stream=True):
        if event.type == "response.output_text.delta":
            texts += [event.delta]


async def _read_by_helper(client: AsyncOpenAI, texts: list[str]) -> None:
    async with client.responses.stream(model=ILL, input=QUESTION) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                texts += [event.delta]

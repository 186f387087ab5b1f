"""Anthropic's own client, unmodified, over models of its API and of others."""

from collections.abc import AsyncIterator
from datetime import UTC

import pytest
import pytest_asyncio
from anthropic import (
    APIError,
    APIStatusError,
    AsyncAnthropic,
    BadRequestError,
    NotFoundError,
    beta_async_tool,
)
from anthropic.types import Message, MessageParam, TextBlock, ThinkingBlock, ToolParam, ToolUseBlock
from anthropic.types.beta import BetaMessageParam
from pydantic import BaseModel

from buttress.testing.upstream import Reply
from tests.flows.clients import (
    ANTHROPIC,
    BROKEN,
    EVERY,
    FAILURES,
    GEMINI,
    ILL,
    OPENAI,
    Stage,
    classes_of,
    shown,
)
from tests.flows.golden import SIGNATURE, Called, Spent, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

HI: list[MessageParam] = [{"role": "user", "content": "What is the weather in Paris and in Rome?"}]
SAID = Turn(thinking="They want the weather.", text="It is mild in both: 18 °C, and 24 °C.")
CALLING = Turn(
    thinking="I need two calls.",
    text="Let me see.",
    calls=(Called("weather", '{"city":"Paris"}'), Called("weather", '{"city":"Rome"}')),
)
WEATHER: ToolParam = {
    "name": "weather",
    "description": "Tell the weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


class Place(BaseModel):
    """What is known of a place."""

    city: str
    inhabitants: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(the_stage: Stage) -> AsyncIterator[AsyncAnthropic]:
    """The client as anyone makes it, its retries at their default."""
    async with AsyncAnthropic(base_url=the_stage.url, api_key="none yet") as made:
        yield made


def text_of(message: Message) -> str:
    """Return what was said."""
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


def counts(message: Message) -> tuple[int, int | None, int | None, int]:
    """Return input, what the cache gave and took, output."""
    usage = message.usage
    return (
        usage.input_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
        usage.output_tokens,
    )


@pytest.mark.parametrize("model", EVERY)
async def test_a_whole_answer_with_usage_in_its_classes(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    stage.play(SAID)
    answer = await client.messages.create(model=model, max_tokens=500, system="Be brief.", messages=HI)
    assert (text_of(answer), answer.stop_reason) == (SAID.text, "end_turn")
    assert isinstance(answer.content[0], ThinkingBlock)
    assert answer.content[0].thinking == SAID.thinking
    assert counts(answer) == (25, 100, 0, 42)
    assert "Be brief." in shown(stage.body())


@pytest.mark.parametrize("model", [ANTHROPIC, OPENAI])
async def test_what_the_cache_took_is_counted_apart(stage: Stage, client: AsyncAnthropic, model: str) -> None:
    stage.play(*[Turn(text="Yes.", spent=Spent(input=5, cache_read=40, cache_write=300))] * 2)
    whole = await client.messages.create(
        model=model,
        max_tokens=500,
        system=[{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}],
        messages=HI,
    )
    async with client.messages.stream(model=model, max_tokens=500, messages=HI) as stream:
        streamed = await stream.get_final_message()
    assert counts(whole) == counts(streamed) == (5, 40, 300, 42)


@pytest.mark.parametrize("model", EVERY)
async def test_the_streaming_helper_sees_every_piece_and_the_whole(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    stage.play(SAID)
    async with client.messages.stream(model=model, max_tokens=500, messages=HI) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_message()
    texts = [event.text for event in events if event.type == "text"]
    assert "".join(texts) == text_of(final) == SAID.text
    assert len(texts) > 1, "as it came, not in one piece"
    assert "".join(event.thinking for event in events if event.type == "thinking") == SAID.thinking
    assert counts(final) == (25, 100, 0, 42)
    assert events[-1].type == "message_stop"


@pytest.mark.parametrize("model", EVERY)
async def test_parallel_calls_of_a_tool_are_streamed_each_as_a_block(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    stage.play(CALLING)
    async with client.messages.stream(model=model, max_tokens=500, tools=[WEATHER], messages=HI) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_message()
    calls = [block for block in final.content if isinstance(block, ToolUseBlock)]
    assert [(call.name, call.input) for call in calls] == [
        ("weather", {"city": "Paris"}),
        ("weather", {"city": "Rome"}),
    ]
    assert len({call.id for call in calls}) == 2
    assert final.stop_reason == "tool_use"
    assert [event.snapshot for event in events if event.type == "input_json"][-1] == {"city": "Rome"}


@pytest.mark.parametrize("model", EVERY)
async def test_results_of_tools_go_back_with_the_thinking_that_was_proven(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    stage.play(CALLING, SAID)
    async with client.messages.stream(
        model=model,
        max_tokens=3000,
        tools=[WEATHER],
        messages=HI,
        thinking={"type": "enabled", "budget_tokens": 2048},
    ) as stream:
        first = await stream.get_final_message()
    calls = [block for block in first.content if isinstance(block, ToolUseBlock)]
    turns: list[MessageParam] = [
        *HI,
        {"role": "assistant", "content": first.content},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": call.id, "content": f"{at + 18} degrees"}
                for at, call in enumerate(calls)
            ],
        },
    ]
    thinking = {
        OPENAI: '"reasoning_effort":"low"',
        ANTHROPIC: '"budget_tokens":2048',
        GEMINI: "thinkingBudget",
    }
    assert thinking[model] in shown(stage.body())
    second = await client.messages.create(model=model, max_tokens=500, tools=[WEATHER], messages=turns)
    assert text_of(second) == SAID.text
    sent = shown(stage.body())
    assert all(word in sent for word in ("18 degrees", "19 degrees", "Paris", "Rome"))
    proof = {OPENAI: "", ANTHROPIC: SIGNATURE, GEMINI: "CiQBjz1golden=="}[model]
    assert proof in sent, "what proves the thinking goes back to where it came from"


@pytest.mark.parametrize("model", EVERY)
async def test_the_tool_runner_sends_the_whole_conversation_by_itself(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    """It would have the server keep the conversation; told that nobody does, it goes on without."""
    stage.play(CALLING, SAID)
    cities: list[str] = []

    @beta_async_tool
    async def weather(city: str) -> str:
        """Tell the weather of a city."""
        cities.append(city)
        return "18 degrees"

    asked: list[BetaMessageParam] = [{"role": "user", "content": "What is the weather?"}]
    runner = client.beta.messages.tool_runner(model=model, max_tokens=500, tools=[weather], messages=asked)
    final = await runner.until_done()
    assert [block.text for block in final.content if block.type == "text"] == [SAID.text]
    assert sorted(cities) == ["Paris", "Rome"]
    assert len(stage.asked) == 2
    assert all(word in shown(stage.body()) for word in ("What is the weather", "18 degrees"))
    assert "thread" not in stage.body()


async def test_a_conversation_that_is_kept_is_refused_with_a_hint(
    stage: Stage, client: AsyncAnthropic
) -> None:
    thread = client.beta.messages.thread(model=ANTHROPIC, max_tokens=500)
    with pytest.raises(BadRequestError) as raised:
        await thread.send({"role": "user", "content": "Hi?"})
    assert error_of(raised.value)["code"] == "models.state_unsupported"
    assert "send the whole conversation" in error_of(raised.value)["hint"]
    assert not stage.asked


@pytest.mark.parametrize("model", EVERY)
async def test_an_answer_of_a_schema_is_parsed(stage: Stage, client: AsyncAnthropic, model: str) -> None:
    stage.play(*[Turn(text='{"city":"Rome","inhabitants":2750000}')] * 2)
    whole = await client.messages.parse(model=model, max_tokens=500, messages=HI, output_format=Place)
    async with client.messages.stream(
        model=model, max_tokens=500, messages=HI, output_format=Place
    ) as stream:
        final = await stream.get_final_message()
    assert whole.parsed_output == final.parsed_output == Place(city="Rome", inhabitants=2_750_000)
    assert "inhabitants" in shown(stage.body())


@pytest.mark.parametrize("model", EVERY)
async def test_pictures_reach_the_model(stage: Stage, client: AsyncAnthropic, model: str) -> None:
    stage.play(SAID)
    turns: list[MessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}},
            ],
        }
    ]
    answer = await client.messages.create(model=model, max_tokens=500, messages=turns)
    assert text_of(answer) == SAID.text
    assert PIXEL in shown(stage.body())
    assert "https://example.org/cat.png" in shown(stage.body())


@pytest.mark.parametrize("model", EVERY)
async def test_an_answer_that_was_cut_short_says_so(stage: Stage, client: AsyncAnthropic, model: str) -> None:
    stage.play(Turn(text="It is", is_cut_short=True))
    answer = await client.messages.create(model=model, max_tokens=16, messages=HI)
    assert answer.stop_reason == "max_tokens"


@pytest.mark.parametrize("model", EVERY)
async def test_what_a_filter_stopped_is_a_refusal(stage: Stage, client: AsyncAnthropic, model: str) -> None:
    stage.play(Reply(finish_reason="content_filter"))
    answer = await client.messages.create(model=model, max_tokens=500, messages=HI)
    assert answer.stop_reason == "refusal"


async def test_fields_that_nobody_knows_pass_on_to_its_own_api(stage: Stage, client: AsyncAnthropic) -> None:
    stage.play(SAID)
    await client.messages.create(
        model=ANTHROPIC, max_tokens=500, messages=HI, extra_body={"top_k": 5, "of_tomorrow": {"a": [1]}}
    )
    assert (stage.body()["top_k"], stage.body()["of_tomorrow"]) == (5, {"a": [1]})


@pytest.mark.parametrize("model", [OPENAI, GEMINI])
async def test_what_another_api_cannot_say_is_refused_by_its_name(
    stage: Stage, client: AsyncAnthropic, model: str
) -> None:
    with pytest.raises(BadRequestError) as raised:
        await client.messages.create(
            model=model,
            max_tokens=500,
            messages=HI,
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
        )
    assert error_of(raised.value)["code"] == "models.untranslatable"
    assert error_of(raised.value)["param"] == "tools[0].type"
    assert not stage.asked


async def test_a_document_passes_on_to_its_own_api_and_is_refused_by_others(
    stage: Stage, client: AsyncAnthropic
) -> None:
    stage.play(SAID)
    turns: list[MessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is in it?"},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL},
                },
            ],
        }
    ]
    await client.messages.create(model=ANTHROPIC, max_tokens=500, messages=turns)
    assert PIXEL in shown(stage.body())
    with pytest.raises(BadRequestError) as raised:
        await client.messages.create(model=OPENAI, max_tokens=500, messages=turns)
    assert error_of(raised.value)["code"] == "models.untranslatable"
    assert "'document'" in error_of(raised.value)["message"]


async def test_marks_for_the_cache_are_named_where_they_have_no_meaning(
    stage: Stage, client: AsyncAnthropic
) -> None:
    stage.play(SAID)
    told = await client.messages.with_raw_response.create(
        model=OPENAI,
        max_tokens=500,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=HI,
        metadata={"user_id": "ada"},
    )
    assert set(told.headers["x-buttress-ignored"].split(", ")) == {"cache_control", "metadata"}
    assert "Be brief." in shown(stage.body())


def error_of(error: APIError) -> dict[str, str]:
    """Return the object `error` of the answer."""
    assert isinstance(error.body, dict)
    told = error.body["error"]
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("model", EVERY)
@FAILURES
async def test_a_failure_is_raised_as_its_class_with_code_and_hint(
    stage: Stage, client: AsyncAnthropic, reply: Reply, kind: str, code: str, model: str
) -> None:
    stage.play(reply)
    with pytest.raises(APIStatusError) as raised:
        await client.with_options(max_retries=0).messages.create(model=model, max_tokens=500, messages=HI)
    assert kind in classes_of(raised.value)
    assert error_of(raised.value)["code"] == code
    assert error_of(raised.value)["hint"]


async def test_the_client_does_not_retry_where_it_is_of_no_use(stage: Stage, client: AsyncAnthropic) -> None:
    assert client.max_retries == 2
    stage.play(*[Reply(status=401)] * 3)
    with pytest.raises(APIStatusError) as raised:
        await client.messages.create(model=ILL, max_tokens=500, messages=HI)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(stage.asked) == 1


async def test_a_model_that_there_is_not_is_not_found(stage: Stage, client: AsyncAnthropic) -> None:
    with pytest.raises(NotFoundError) as raised:
        await client.messages.create(model="nobody", max_tokens=500, messages=HI)
    assert error_of(raised.value)["code"] == "gateway.model_unknown"


@BROKEN
@pytest.mark.parametrize("model", EVERY)
async def test_a_stream_that_breaks_is_an_error_after_its_last_word(
    stage: Stage, client: AsyncAnthropic, model: str, reply: Reply, code: str
) -> None:
    stage.play(reply)
    texts: list[str] = []
    with pytest.raises(APIError) as raised:
        await _read(client, model, texts)
    assert ("".join(texts), error_of(raised.value)["code"]) == ("One. Two. ", code)


async def _read(client: AsyncAnthropic, model: str, texts: list[str]) -> None:
    async with client.messages.stream(model=model, max_tokens=500, messages=HI) as stream:
        async for text in stream.text_stream:
            texts += [text]


async def test_what_is_not_served_is_not_found(client: AsyncAnthropic) -> None:
    with pytest.raises(NotFoundError) as raised:
        await client.messages.count_tokens(model=ANTHROPIC, messages=HI)
    assert "server.route_unknown" in shown(raised.value.body)


async def test_the_models_are_listed_for_this_client_too(client: AsyncAnthropic) -> None:
    listed = [one async for one in client.models.list()]
    assert set(EVERY) < {one.id for one in listed}
    assert {one.type for one in listed} == {"model"}
    found = await client.models.retrieve(ANTHROPIC)
    assert (found.display_name, found.created_at.tzinfo) == (ANTHROPIC, UTC)

"""pydantic-ai, unmodified: agents by each of its three clients, over models of their API and of others."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError, NativeOutput
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from buttress.testing.upstream import Reply
from tests.flows.clients import ANTHROPIC, EVERY, GEMINI, ILL, OPENAI, Stage, shown
from tests.flows.golden import Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

QUESTION = "What is the weather in Paris and in Rome?"
CALLING = Turn(
    thinking="I need two calls.",
    calls=(Called("weather", '{"city":"Paris"}'), Called("weather", '{"city":"Rome"}')),
)
SAID = Turn(thinking="Now I know.", text="It is mild in both: 18 °C, and 24 °C.")
ROME = '{"city":"Rome","inhabitants":2750000}'
DOORS = ("chat", "responses", "messages")


class Place(BaseModel):
    """What is known of a place."""

    city: str
    inhabitants: int


Doors = Mapping[str, OpenAIProvider | AnthropicProvider]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(the_stage: Stage) -> AsyncIterator[Doors]:
    """The clients of the framework, which does not ask twice by itself."""
    async with (
        AsyncOpenAI(base_url=f"{the_stage.url}/v1", api_key="none yet", max_retries=0) as openai,
        AsyncAnthropic(base_url=the_stage.url, api_key="none yet", max_retries=0) as anthropic,
    ):
        by_openai = OpenAIProvider(openai_client=openai)
        by_anthropic = AnthropicProvider(anthropic_client=anthropic)
        yield {"chat": by_openai, "responses": by_openai, "messages": by_anthropic}


def model_of(doors: Doors, door: str, name: str) -> Model:
    """Return the model `name` as the framework asks it at `door`."""
    provider = doors[door]
    if isinstance(provider, AnthropicProvider):
        return AnthropicModel(name, provider=provider)
    kind = OpenAIChatModel if door == "chat" else OpenAIResponsesModel
    return kind(name, provider=provider)


def forecaster(model: Model) -> tuple[Agent[None, str], list[str]]:
    """Return an agent that has a tool, and the list of the cities that the tool was asked for."""
    agent, cities = Agent(model, instructions="Be brief."), list[str]()

    @agent.tool_plain
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        cities.append(city)
        return f"mild in {city}, 18 degrees"

    return agent, cities


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("door", DOORS)
async def test_an_agent_calls_its_tools_and_answers(stage: Stage, doors: Doors, door: str, name: str) -> None:
    stage.play(CALLING, SAID, SAID)
    agent, cities = forecaster(model_of(doors, door, name))
    run = await agent.run(QUESTION)
    assert (run.output, sorted(cities)) == (SAID.text, ["Paris", "Rome"])
    assert "mild in Paris, 18 degrees" in shown(stage.body())
    usage = run.usage
    assert (usage.requests, usage.tool_calls) == (2, 2)
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (250, 200, 84)
    again = await agent.run("And tomorrow?", message_history=run.all_messages())
    assert again.output == SAID.text
    assert all(word in shown(stage.body()) for word in (QUESTION, "mild in Rome", SAID.text, "tomorrow"))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("door", DOORS)
async def test_an_agent_streams_its_answer_after_its_tools(
    stage: Stage, doors: Doors, door: str, name: str
) -> None:
    stage.play(CALLING, SAID)
    agent, cities = forecaster(model_of(doors, door, name))
    async with agent.run_stream(QUESTION) as run:
        pieces = [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
    assert ("".join(pieces), sorted(cities)) == (SAID.text, ["Paris", "Rome"])
    assert len(pieces) > 1, "as it came, not in one piece"
    assert (run.usage.input_tokens, run.usage.output_tokens) == (250, 84)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("door", DOORS)
async def test_an_agent_gives_a_structure_by_a_call(stage: Stage, doors: Doors, door: str, name: str) -> None:
    wrong = Turn(calls=(Called("final_result", '{"city":"Rome"}'),))
    stage.play(wrong, Turn(calls=(Called("final_result", ROME),)))
    agent = Agent(model_of(doors, door, name), output_type=Place)
    run = await agent.run("Tell me of Rome.")
    assert run.output == Place(city="Rome", inhabitants=2_750_000)
    assert "Field required" in shown(stage.body()), "what was wrong with the first one is said"


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("door", DOORS)
async def test_an_agent_streams_a_structure(stage: Stage, doors: Doors, door: str, name: str) -> None:
    stage.play(Turn(calls=(Called("final_result", ROME),)))
    agent = Agent(model_of(doors, door, name), output_type=Place)
    async with agent.run_stream("Tell me of Rome.") as run:
        shown_so_far = [place async for place in run.stream_output(debounce_by=None)]
    assert shown_so_far[-1] == Place(city="Rome", inhabitants=2_750_000)


@pytest.mark.parametrize(
    ("door", "name"),
    [(door, name) for door in ("chat", "responses") for name in EVERY] + [("messages", ANTHROPIC)],
)
async def test_an_agent_gives_a_structure_by_the_format_of_its_answer(
    stage: Stage, doors: Doors, door: str, name: str
) -> None:
    stage.play(Turn(text=ROME))
    agent = Agent(model_of(doors, door, name), output_type=NativeOutput(Place))
    run = await agent.run("Tell me of Rome.")
    assert run.output == Place(city="Rome", inhabitants=2_750_000)
    asked = {OPENAI: "response_format", ANTHROPIC: "output_config", GEMINI: "responseJsonSchema"}[name]
    assert asked in shown(stage.body())


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("door", DOORS)
async def test_an_agent_is_shown_a_picture(stage: Stage, doors: Doors, door: str, name: str) -> None:
    stage.play(SAID)
    picture = BinaryContent(b"\x89PNG picture", media_type="image/png")
    run = await Agent(model_of(doors, door, name)).run(["What is it?", picture])
    assert run.output == SAID.text
    assert picture.base64 in shown(stage.body())


@pytest.mark.parametrize("door", DOORS)
async def test_a_failure_is_raised_with_its_status_and_code(stage: Stage, doors: Doors, door: str) -> None:
    stage.play(Reply(status=429))
    with pytest.raises(ModelHTTPError) as raised:
        await Agent(model_of(doors, door, ILL)).run(QUESTION)
    assert raised.value.status_code == 429
    assert "models.rate_limited" in shown(raised.value.body)

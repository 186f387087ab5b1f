"""instructor, unmodified: structures by calls and by JSON, over models of the client's API and of others."""

from collections.abc import AsyncIterator, Iterable

import instructor
import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from instructor import AsyncInstructor, Mode
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from tests.flows.clients import EVERY, GEMINI, Stage, shown
from tests.flows.golden import Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me of Rome."}]


class Place(BaseModel):
    """What is known of a place."""

    city: str
    inhabitants: int


class Mood(BaseModel):
    """How a place feels."""

    word: str


ROME, PARIS = Place(city="Rome", inhabitants=2_750_000), Place(city="Paris", inhabitants=2_050_000)
BY_CALLS = frozenset({Mode.TOOLS, Mode.RESPONSES_TOOLS})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def openai(the_stage: Stage) -> AsyncIterator[AsyncOpenAI]:
    """The client that the framework asks by."""
    async with AsyncOpenAI(base_url=f"{the_stage.url}/v1", api_key="none yet", max_retries=0) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anthropic(the_stage: Stage) -> AsyncIterator[AsyncAnthropic]:
    """The other client that it asks by."""
    async with AsyncAnthropic(base_url=the_stage.url, api_key="none yet", max_retries=0) as client:
        yield client


def said(mode: Mode, json: str, name: str = "Place") -> Turn:
    """Return the turn in which a model gives `json` the way that `mode` asks for it."""
    if mode in BY_CALLS:
        return Turn(calls=(Called(name, json),))
    return Turn(text=f"Here it is:\n```json\n{json}\n```" if mode is Mode.MD_JSON else json)


OPENAI_MODES = (Mode.TOOLS, Mode.JSON, Mode.JSON_SCHEMA, Mode.MD_JSON, Mode.RESPONSES_TOOLS)


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("mode", OPENAI_MODES, ids=lambda mode: mode.value)
async def test_a_structure_by_openai_is_asked_for_again_until_it_is_right(
    stage: Stage, openai: AsyncOpenAI, mode: Mode, model: str
) -> None:
    stage.play(said(mode, '{"city":"Rome","inhabitants":"many"}'), said(mode, ROME.model_dump_json()))
    client = instructor.from_openai(openai, mode=mode)
    place = await client.create(model=model, messages=ASK, response_model=Place)
    assert place.model_dump() == ROME.model_dump()
    assert len(stage.asked) == 2
    assert "valid integer" in shown(stage.body()), "what was wrong with the first one is said"


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON], ids=lambda mode: mode.value)
async def test_a_structure_by_anthropic_is_asked_for_again_until_it_is_right(
    stage: Stage, anthropic: AsyncAnthropic, mode: Mode, model: str
) -> None:
    stage.play(said(mode, '{"city":"Rome","inhabitants":"many"}'), said(mode, ROME.model_dump_json()))
    client = instructor.from_anthropic(anthropic, mode=mode)
    place = await client.create(model=model, max_tokens=500, messages=ASK, response_model=Place)
    assert place.model_dump() == ROME.model_dump()
    assert "valid integer" in shown(stage.body()), "what was wrong with the first one is said"


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON_SCHEMA], ids=lambda mode: mode.value)
async def test_a_structure_by_openai_grows_while_it_comes(
    stage: Stage, openai: AsyncOpenAI, mode: Mode, model: str
) -> None:
    stage.play(said(mode, ROME.model_dump_json(), "PartialPlace"))
    client = instructor.from_openai(openai, mode=mode)
    parts = await _parts(client, model)
    assert parts[-1] == ROME.model_dump()
    assert is_whole(mode, model) or parts[0] != parts[-1]


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON], ids=lambda mode: mode.value)
async def test_a_structure_by_anthropic_grows_while_it_comes(
    stage: Stage, anthropic: AsyncAnthropic, mode: Mode, model: str
) -> None:
    stage.play(said(mode, ROME.model_dump_json(), "PartialPlace"))
    client = instructor.from_anthropic(anthropic, mode=mode)
    parts = await _parts(client, model)
    assert parts[-1] == ROME.model_dump()
    assert is_whole(mode, model) or parts[0] != parts[-1]


async def _parts(client: AsyncInstructor, model: str) -> list[dict[str, object]]:
    """Return what stood there, time after time."""
    parts = client.create_partial(model=model, max_tokens=500, messages=ASK, response_model=Place)
    return [part.model_dump() async for part in parts]


def is_whole(mode: Mode, model: str) -> bool:
    """Say whether a structure comes in one piece: Gemini's calls do."""
    return model == GEMINI and mode in BY_CALLS


@pytest.mark.parametrize("model", EVERY)
@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON], ids=lambda mode: mode.value)
async def test_several_structures_come_one_by_one(
    stage: Stage, openai: AsyncOpenAI, mode: Mode, model: str
) -> None:
    tasks = f'{{"tasks":[{ROME.model_dump_json()},{PARIS.model_dump_json()}]}}'
    stage.play(said(mode, tasks, "IterablePlace"))
    client = instructor.from_openai(openai, mode=mode)
    places = [
        place async for place in client.create_iterable(model=model, messages=ASK, response_model=Place)
    ]
    assert places == [ROME, PARIS]


@pytest.mark.parametrize("model", EVERY)
async def test_parallel_calls_are_several_structures(stage: Stage, openai: AsyncOpenAI, model: str) -> None:
    mood = Called("Mood", '{"word":"sunny"}')
    stage.play(Turn(calls=(Called("Place", ROME.model_dump_json()), mood)))
    client = instructor.from_openai(openai, mode=Mode.PARALLEL_TOOLS)
    told = await client.create(model=model, messages=ASK, response_model=Iterable[Place | Mood])
    assert [one.model_dump() for one in told] == [ROME.model_dump(), {"word": "sunny"}]


@pytest.mark.parametrize("model", EVERY)
async def test_several_structures_come_one_by_one_by_anthropic(
    stage: Stage, anthropic: AsyncAnthropic, model: str
) -> None:
    tasks = f'{{"tasks":[{ROME.model_dump_json()},{PARIS.model_dump_json()}]}}'
    stage.play(said(Mode.TOOLS, tasks, "IterablePlace"))
    client = instructor.from_anthropic(anthropic)
    several = client.create_iterable(model=model, max_tokens=500, messages=ASK, response_model=Place)
    assert [place async for place in several] == [ROME, PARIS]

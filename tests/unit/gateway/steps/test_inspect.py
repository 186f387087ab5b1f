"""Inspect: what does not fit the schema, or is no JSON, is refused before anything is done."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from buttress.gateway.errors import InputInvalid
from buttress.gateway.steps.inspect import MAX_DEPTH, inspect
from buttress.gateway.types import Chosen
from buttress.releases.types import Chat
from tests.unit.gateway.world import World, a_call, a_release, admitted, asked

ANYTHING = a_release(input_schema={"type": "object"})
SEARCHED = replace(ANYTHING, chat=Chat(question="question"))


def nested(levels: int) -> dict[str, object]:
    """Return objects inside one another, `levels` of them."""
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def endless() -> dict[str, object]:
    """Return an object that holds itself."""
    value: dict[str, object] = {}
    value["a"] = [value]
    return value


async def test_what_fits_goes_on_as_it_is(world: World) -> None:
    found = await inspect(Chosen(admitted(asked("Why?")), a_release()), a_call(world.ports))
    assert found.input == {"question": "Why?"}


async def test_what_may_be_left_out_is_filled_in(world: World) -> None:
    schema = {"type": "object", "properties": {"question": {}, "tone": {"default": "dry"}, "more": {}}}
    found = await inspect(
        Chosen(admitted(asked("Why?")), a_release(input_schema=schema)), a_call(world.ports)
    )
    assert found.input == {"question": "Why?", "tone": "dry", "more": None}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"question": 7}, "question: 7 is not of type", id="of another type"),
        pytest.param({}, "the input: ", id="missing"),
        pytest.param({"question": "a", "tone": 1}, "tone", id="unknown"),
        pytest.param({"question": "\udcff"}, "no JSON", id="half a surrogate pair"),
        pytest.param({"question": {1, 2}}, "question: [1,2] is not of type", id="a set is a list in JSON"),
        pytest.param({"question": 1j}, "no JSON", id="a complex number"),
    ],
)
async def test_what_does_not_fit_is_named(world: World, values: dict[str, object], message: str) -> None:
    with pytest.raises(InputInvalid) as invalid:
        await inspect(Chosen(admitted(asked(input=values)), a_release()), a_call(world.ports))
    assert message in invalid.value.message
    assert len(invalid.value.message) < 700


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(nested(MAX_DEPTH + 2), id="deeper than allowed"),
        pytest.param(nested(50_000), id="so deep that reading it would overflow"),
        pytest.param(endless(), id="endless"),
    ],
)
async def test_depth_is_bounded(world: World, values: dict[str, object]) -> None:
    with pytest.raises(InputInvalid):
        await inspect(Chosen(admitted(asked(input=values)), ANYTHING), a_call(world.ports))


async def test_the_deepest_that_is_allowed(world: World) -> None:
    values = nested(MAX_DEPTH)
    found = await inspect(Chosen(admitted(asked(input=values)), ANYTHING), a_call(world.ports))
    assert found.input == values


async def test_a_long_wrong_value_is_not_repeated_whole(world: World) -> None:
    chosen = Chosen(admitted(asked(["x" * 100_000])), a_release())
    with pytest.raises(InputInvalid) as invalid:
        await inspect(chosen, a_call(world.ports))
    assert len(invalid.value.message) < 600


async def test_a_question_that_is_too_long_is_told_so_before_anything_else(world: World) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"question": {"maxLength": 4000}}}
    chosen = Chosen(admitted(asked("x" * 4_140)), a_release(input_schema=schema))
    with pytest.raises(InputInvalid, match=r'^question: "x{79}… is longer than 4000 characters$') as invalid:
        await inspect(chosen, a_call(world.ports))
    assert invalid.value.hint == "Say it in fewer words."


@pytest.mark.parametrize("question", ["", " \t", "\u200b\u200d", "?!", "\N{RIGHT-TO-LEFT MARK}…"])
async def test_documents_are_not_searched_for_a_question_without_a_word(world: World, question: str) -> None:
    with pytest.raises(InputInvalid, match="neither a letter nor a digit"):
        await inspect(Chosen(admitted(asked(question)), SEARCHED), a_call(world.ports))


@pytest.mark.parametrize("question", ["7", "ß", "هل", "東", "?x"])
async def test_one_letter_of_any_script_is_a_word(world: World, question: str) -> None:
    assert (await inspect(Chosen(admitted(asked(question)), SEARCHED), a_call(world.ports))).input


async def test_a_property_without_a_name_is_not_taken_for_the_question(world: World) -> None:
    chosen = Chosen(admitted(asked(input={"": "?"})), ANYTHING)
    assert (await inspect(chosen, a_call(world.ports))).input == {"": "?"}


async def test_a_feature_without_documents_may_be_sent_signs_alone(world: World) -> None:
    release = replace(SEARCHED, stages=())
    assert (await inspect(Chosen(admitted(asked("👍")), release), a_call(world.ports))).input


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    values=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()), max_size=4
    )
)
async def test_json_goes_through_unchanged(world: World, values: dict[str, object]) -> None:
    found = await inspect(Chosen(admitted(asked(input=values)), ANYTHING), a_call(world.ports))
    assert found.input == values
    assert found.input is not values

"""Inspect: what does not fit the schema, or is no JSON, is refused before anything is done."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.errors import InputInvalid
from buttress.gateway.steps.inspect import MAX_DEPTH, inspect
from buttress.gateway.types import Chosen
from tests.unit.gateway.world import World, a_call, a_release, admitted, asked

ANYTHING = a_release(input_schema={"type": "object"})


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

"""NO_COLOR, as its convention has it."""

import pytest

from buttress.settings.colours import are_colours_unwanted


@pytest.mark.parametrize(
    ("environment", "unwanted"),
    [
        pytest.param({}, False, id="not set"),
        pytest.param({"NO_COLOR": ""}, False, id="set to nothing"),
        pytest.param({"NO_COLOR": "0"}, True, id="set to anything"),
    ],
)
def test_colours_are_unwanted_when_it_is_set(environment: dict[str, str], *, unwanted: bool) -> None:
    assert are_colours_unwanted(environment) == unwanted

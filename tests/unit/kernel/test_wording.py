"""What msgspec really says, in plain words."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from buttress.kernel.wording import counted, plain_words


class Named(msgspec.Struct):
    """Something with a key."""

    name: str


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        pytest.param({}, Named, "`name` is missing", id="a missing key"),
        pytest.param(5, Named, "expected keys with values, found a whole number", id="no object"),
        pytest.param("x", int, "expected a whole number, found a text", id="a text for a number"),
        pytest.param("x", int | None, "expected a whole number or nothing, found a text", id="a choice"),
        pytest.param(True, float, "expected a number, found true or false", id="a truth for a number"),
        pytest.param({}, list[int], "expected a list, found keys with values", id="no list"),
        pytest.param(None, str, "expected a text, found nothing", id="an empty value"),
        pytest.param(0, Annotated[int, Meta(ge=1)], "expected at least 1", id="too small"),
        pytest.param(2.5, Annotated[float, Meta(le=2)], "expected at most 2", id="too large"),
        pytest.param(0.0, Annotated[float, Meta(gt=0)], "expected more than 0", id="zero"),
        pytest.param("", Annotated[str, Meta(min_length=1)], "expected something, found nothing", id="empty"),
        pytest.param("ab", Annotated[str, Meta(max_length=1)], "expected at most 1 characters", id="long"),
        pytest.param([1], Annotated[list[int], Meta(min_length=2)], "expected at least 2 entries", id="few"),
        pytest.param(
            "x", Annotated[str, Meta(pattern="^a$")], "expected a text of the form '^a$'", id="a form"
        ),
        pytest.param("c", Literal["a"], "'c' is none of the values that are known", id="a choice of texts"),
    ],
)
def test_what_msgspec_says_is_said_in_plain_words(value: object, kind: type[object], said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, type=kind)
    assert plain_words(str(caught.value)) == said


def test_what_is_unknown_stays_as_it_is() -> None:
    assert plain_words("Something else") == "Something else"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        pytest.param(0, "0 features", id="none"),
        pytest.param(1, "1 feature", id="one"),
        pytest.param(1_200, "1,200 features", id="many"),
    ],
)
def test_how_many_there_are(count: int, said: str) -> None:
    assert counted(count, "feature") == said

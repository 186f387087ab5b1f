"""The small templates of a stage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.steps.templates import filled_in
from buttress.prompts.errors import PromptUnrenderable


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{{ question }}", "Why?", id="one value"),
        pytest.param("\n  {{ topic }}: {{ question }}\n", "salons: Why?", id="several, trimmed"),
        pytest.param("{{ tags }}", '["a","b"]', id="a list is JSON"),
        pytest.param("{% if topic %}{{ topic }}{% endif %}", "salons", id="a condition"),
    ],
)
def test_values_are_filled_in(template: str, text: str) -> None:
    assert filled_in(template, {"question": "Why?", "topic": "salons", "tags": ["a", "b"]}, "find") == text


def test_a_missing_value_names_the_stage() -> None:
    with pytest.raises(PromptUnrenderable, match=r"find.*gone"):
        filled_in("{{ gone }}", {}, "find")


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_filled_in_is_never_evaluated(value: str) -> None:
    assert filled_in("{{ question }}", {"question": value}, "find") == value.strip()
    braced = "{{ 6 * 7 }}" + value
    assert filled_in("{{ question }}", {"question": braced}, "find") == braced.strip()

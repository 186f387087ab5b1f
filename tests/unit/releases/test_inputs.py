"""Inputs: every declared property is there."""

from hypothesis import given
from hypothesis import strategies as st

from buttress.releases.inputs import complete_input

SCHEMA: dict[str, object] = {
    "properties": {"question": {"type": "string"}, "tone": {"default": "kind"}, "topic": {}, "odd": True}
}


def test_what_was_left_out_has_its_default_or_nothing() -> None:
    assert complete_input(SCHEMA, {"question": "Why?"}) == {
        "question": "Why?",
        "tone": "kind",
        "topic": None,
        "odd": None,
    }


@given(st.dictionaries(st.text(max_size=8), st.integers(), max_size=5))
def test_what_was_given_is_never_changed(given_input: dict[str, object]) -> None:
    completed = complete_input(SCHEMA, given_input)
    assert {name: completed[name] for name in given_input} == given_input
    assert complete_input({}, given_input) == given_input

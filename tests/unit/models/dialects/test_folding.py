"""`models.dialects.folding`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Finished, TextDelta, Thinking, ThinkingDelta, ToolCall, ToolCallDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.folding import fold, unfold
from buttress.models.dialects.types import Said
from tests.unit.models.dialects.thoughts import trains

CALLS = st.builds(ToolCall, id=st.text(min_size=1), name=st.text(min_size=1), arguments=st.text())
SAID = st.builds(
    Said,
    text=st.text(),
    thoughts=trains(),
    tool_calls=st.lists(CALLS, max_size=3).map(tuple),
    reason=st.sampled_from(("stop", "length", "content_filter", "tool_calls")),
    usage=st.none() | st.builds(Usage, input=st.integers(0, 9), output=st.integers(0, 9)),
    model=st.text(),
)
END = Finished(reason="tool_calls", usage=None, model="m")


@given(SAID)
def test_an_answer_unfolded_and_folded_is_itself(said: Said) -> None:
    assert fold(unfold(said)) == said


def test_pieces_of_calls_that_come_mixed_are_joined_by_their_index() -> None:
    said = fold(
        [
            ToolCallDelta(index=0, id="a", name="first", arguments="{"),
            ToolCallDelta(index=1, id="b", name="second", arguments="[1"),
            ToolCallDelta(index=0, arguments="}"),
            ToolCallDelta(index=1, arguments="]"),
            END,
        ]
    )
    assert said.tool_calls == (ToolCall("a", "first", "{}"), ToolCall("b", "second", "[1]"))


def test_each_thought_keeps_its_own_proof() -> None:
    """Anthropic takes a thought back with the very proof that it gave for it, and with no other."""
    said = fold(
        [
            ThinkingDelta("Let "),
            ThinkingDelta("me see."),
            ThinkingDelta(signature="one"),
            ThinkingDelta(signature="two"),
            TextDelta("Hm."),
            ThinkingDelta("Now I know.", "three"),
            ThinkingDelta("Or not."),
            END,
        ]
    )
    assert said.thoughts == (
        Thinking("Let me see.", "one"),
        Thinking("", "two"),
        Thinking("Now I know.", "three"),
        Thinking("Or not."),
    )
    assert said.thinking == "Let me see.Now I know.Or not."


def test_an_answer_that_has_not_ended_is_none() -> None:
    with pytest.raises(ValueError, match="not ended"):
        fold([TextDelta("half")])

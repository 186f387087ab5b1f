"""Composing: the prompt fits its window, and holds as many passages as it can."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Message, Role
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.composing import HISTORY_SHARE, Conversation, compose
from buttress.prompts.defaults import ANSWER
from buttress.prompts.errors import PromptTooLong, PromptUnrenderable
from buttress.prompts.packing import Window, tokens_of
from buttress.prompts.templates import parse_prompt
from buttress.prompts.types import Prompt

TWICE = "# user\n{% for p in passages %}{{ p.text }}{{ p.text }}{% endfor %}{{ question }}\n"
WITHOUT = "# user\n{{ question }}\n"


def prompt(text: str) -> Prompt:
    """Parse what is known to be a prompt."""
    parsed = parse_prompt(text, Path("answer.md"))
    assert isinstance(parsed, Prompt)
    return parsed


def window(tokens: int) -> Window:
    """Return a window with 100 tokens for the answer."""
    return Window(window_tokens=tokens, answer_tokens=100)


def test_passages_are_numbered_as_they_are_cited(passage: Callable[..., Passage]) -> None:
    passages = [
        passage("alpha " * 10, number=1),
        passage("beta " * 900, number=2),
        passage("gamma", number=3),
    ]
    composed = compose(
        prompt(ANSWER), Conversation({"question": "Why?"}), passages, window(1_000), EstimatedTokens()
    )
    assert [one.chunk_id for one in composed.passages] == ["ch_1", "ch_3"]
    assert [one.chunk_id for one in composed.left_out] == ["ch_2"]
    said = composed.messages[-1].content
    assert said.index('<passage number="1"') < said.index("alpha")
    assert said.index("alpha") < said.index('<passage number="3"') < said.index("gamma")
    assert said.endswith("Question: Why?")


@pytest.mark.parametrize("text", [ANSWER, TWICE, WITHOUT], ids=["once", "twice", "not at all"])
@given(sizes=st.lists(st.integers(1, 200), max_size=8), room=st.integers(150, 1_500))
def test_what_is_composed_fits(
    passage: Callable[..., Passage], text: str, sizes: list[int], room: int
) -> None:
    passages = [passage("word " * size, number=number) for number, size in enumerate(sizes)]
    try:
        composed = compose(
            prompt(text), Conversation({"question": "Why?"}), passages, window(room), EstimatedTokens()
        )
    except PromptTooLong:
        with pytest.raises(PromptTooLong):  # passages are never the reason
            compose(prompt(text), Conversation({"question": "Why?"}), [], window(room), EstimatedTokens())
        return
    assert composed.tokens == tokens_of(composed.messages, EstimatedTokens()) <= room - 100
    assert set(composed.passages) | set(composed.left_out) == set(passages)
    if sum(sizes) * 3 < room - 500:
        assert composed.left_out == ()


def test_a_question_that_does_not_fit_is_an_error_with_figures() -> None:
    with pytest.raises(PromptTooLong, match="the window is 500"):
        compose(prompt(WITHOUT), Conversation({"question": "why " * 900}), [], window(500), EstimatedTokens())


def test_a_value_that_is_missing_is_named() -> None:
    with pytest.raises(PromptUnrenderable, match=r"answer\.md .*question"):
        compose(prompt(WITHOUT), Conversation({}), [], window(500), EstimatedTokens())


class TestConversation:
    """Earlier turns."""

    def test_they_stand_before_the_last_turn(self) -> None:
        history = (Message("user", "Is it open?"), Message("assistant", "Yes. [1]"))
        said = Conversation({"question": "And on Sunday?"}, history)
        composed = compose(prompt("# system\nBe kind.\n" + WITHOUT), said, [], window(500), EstimatedTokens())
        assert [one.content for one in composed.messages] == [
            "Be kind.",
            "Is it open?",
            "Yes. [1]",
            "And on Sunday?",
        ]
        assert composed.dropped == ()

    @given(
        sizes=st.lists(st.integers(1, 300), max_size=12),
        room=st.integers(150, 1_500),
        first=st.integers(0, 1),
    )
    def test_the_newest_fit_and_the_rest_is_reported(self, sizes: list[int], room: int, first: int) -> None:
        roles: tuple[Role, Role] = ("user", "assistant")
        history = tuple(
            Message(roles[(at + first) % 2], f"{at} " + "word " * size) for at, size in enumerate(sizes)
        )
        said = Conversation({"question": "Why?"}, history)
        composed = compose(prompt(WITHOUT), said, [], window(room), EstimatedTokens())
        kept = composed.messages[:-1]
        assert composed.dropped + kept == history
        assert tokens_of(kept, EstimatedTokens()) <= (room - 100) * HISTORY_SHARE
        assert composed.tokens == tokens_of(composed.messages, EstimatedTokens()) <= room - 100
        assert not kept or kept[0].role == "user"

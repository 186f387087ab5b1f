"""Composing: the prompt fits its window, and holds as many passages as it can."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Message, Role
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.composing import HISTORY_SHARE, Conversation, Earlier, compose
from buttress.prompts.defaults import ANSWER
from buttress.prompts.errors import PromptTooLong, PromptUnrenderable
from buttress.prompts.packing import Window, tokens_of
from buttress.prompts.templates import parse_prompt
from buttress.prompts.types import Prompt, Recollection, Turns
from buttress.testing.clock import NOON

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

    def test_the_oldest_go_where_the_rest_leaves_no_room_and_those_of_the_prompt_stay(self) -> None:
        shots = "# user\nShot?\n# assistant\nShown.\n"
        history = tuple(
            Message(role, f"{at} " + "word " * 20) for at in range(3) for role in ("user", "assistant")
        )
        said = Conversation({"question": "why " * 300}, history)
        room = tokens_of([Message("user", "why " * 300)], EstimatedTokens()) + 250
        composed = compose(prompt(shots + WITHOUT), said, [], window(room), EstimatedTokens())
        assert [one.content for one in composed.messages[:2]] == ["Shot?", "Shown."]
        assert composed.dropped + composed.messages[2:-1] == history
        assert 0 < len(composed.dropped) < len(history)
        assert composed.tokens == tokens_of(composed.messages, EstimatedTokens()) <= room - 100

    def test_what_the_prompt_itself_says_is_never_dropped(self) -> None:
        shots = "# user\n" + "shot " * 100 + "\n# assistant\nShown.\n"
        with pytest.raises(PromptTooLong):
            compose(
                prompt(shots + WITHOUT),
                Conversation({"question": "Why?"}),
                [],
                window(200),
                EstimatedTokens(),
            )


def a_recollection(ordinal: int, size: int = 3) -> Recollection:
    """Return an older exchange."""
    return Recollection(ordinal, f"asked {ordinal}", "word " * size, NOON)


class TestOlderTurns:
    """The summary, and what is recollected."""

    @given(
        sizes=st.lists(st.integers(1, 200), max_size=12),
        room=st.integers(150, 2_000),
        older=st.integers(0, 40),
        summary=st.integers(0, 300),
        recollected=st.lists(st.tuples(st.integers(0, 25), st.integers(1, 100)), max_size=4),
    )
    def test_all_fits_and_every_turn_is_accounted_for(
        self, sizes: list[int], room: int, older: int, summary: int, recollected: list[tuple[int, int]]
    ) -> None:
        roles: tuple[Role, Role] = ("user", "assistant")
        history = tuple(Message(roles[at % 2], "word " * size) for at, size in enumerate(sizes))
        found = tuple(a_recollection(2 * at, size) for at, size in dict(recollected).items())
        known = Turns(history, older, "told " * summary, min(older, 10), found)
        said = Conversation({"question": "Why?"}, history, known)
        composed = compose(prompt(WITHOUT), said, [], window(room), EstimatedTokens())
        assert composed.tokens == tokens_of(composed.messages, EstimatedTokens()) <= room - 100
        assert composed.messages[-1].content.endswith("Why?")
        before = older + len(composed.dropped)
        told = composed.earlier
        assert told.summarised + told.left_out(before) + 2 * len(told.recollected) >= before
        assert 0 <= told.left_out(before) <= before
        assert all(one.ordinal + 1 < before for one in told.recollected)
        if before == 0:
            assert told == Earlier()

    def test_they_are_told_before_the_question_as_data(self) -> None:
        known = Turns((), 20, "They spoke of basil.", 10, (a_recollection(12),))
        said = Conversation({"question": "Why?"}, (), known)
        asking = prompt("# system\nBe kind.\n" + WITHOUT)
        composed = compose(asking, said, [], window(2_000), EstimatedTokens())
        assert [one.role for one in composed.messages] == ["system", "user"]
        asked = composed.messages[1].content
        assert asked.index("They spoke of basil.") < asked.index("asked 12") < asked.index("Why?")
        assert composed.earlier.left_out(20) == 8

    def test_what_is_told_of_them_is_the_first_to_go(self) -> None:
        known = Turns((), 20, "told " * 5, 10)
        long = Conversation({"question": "why " * 300}, (), known)
        composed = compose(prompt(WITHOUT), long, [], window(580), EstimatedTokens())
        assert composed.earlier == Earlier()
        assert composed.earlier.left_out(20) == 20

    def test_it_goes_before_the_newest_turns_do(self) -> None:
        history = (Message("user", "asked"), Message("assistant", "word " * 20))
        said = Conversation({"question": "why " * 300}, history, Turns(history, 20, "told " * 20, 10))
        rest = tokens_of([*history, Message("user", "why " * 300)], EstimatedTokens())
        composed = compose(prompt(WITHOUT), said, [], window(rest + 105), EstimatedTokens())
        assert (composed.earlier, composed.dropped) == (Earlier(), ())

    def test_of_a_short_conversation_nothing_is_told_twice(self) -> None:
        history = (Message("user", "asked 0"), Message("assistant", "word"))
        known = Turns(history, 0, "", 0, (a_recollection(0),))
        said = Conversation({"question": "Why?"}, history, known)
        composed = compose(prompt(WITHOUT), said, [], window(2_000), EstimatedTokens())
        assert (composed.earlier, len(composed.messages)) == (Earlier(), 3)

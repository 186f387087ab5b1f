"""Packing: whole passages, best first; what may not be dropped is not."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Message, Role, ToolCall, ToolResult
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.errors import PromptTooLong
from buttress.prompts.packing import (
    MESSAGE_TOKENS,
    Window,
    fitting,
    pack,
    pack_history,
    require_room,
    tokens_of,
)


class Characters:
    """Counts a token a character, so that tests can count, too."""

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        return len(text)


def test_passages_are_kept_best_first_and_whole(passage: Callable[..., Passage]) -> None:
    passages = [passage("a" * 100, number=1), passage("b" * 900, number=2), passage("c" * 100, number=3)]
    packed = pack(passages, 500, Characters())
    assert [one.chunk_id for one in packed.kept] == ["ch_1", "ch_3"]
    assert [one.chunk_id for one in packed.left_out] == ["ch_2"]
    assert packed.tokens <= 500
    assert pack(passages, 0, Characters()).kept == ()
    assert pack([], 100, Characters()) == pack([], 0, Characters())


@given(sizes=st.lists(st.integers(1, 400), max_size=12), room=st.integers(0, 2_000))
def test_every_passage_is_kept_or_left_out_in_its_order(
    passage: Callable[..., Passage], sizes: list[int], room: int
) -> None:
    passages = [passage("word " * size, number=number) for number, size in enumerate(sizes)]
    packed = pack(passages, room, EstimatedTokens())
    assert packed.tokens <= room
    assert sorted(packed.kept + packed.left_out, key=passages.index) == passages
    assert list(packed.kept) == [one for one in passages if one in packed.kept]
    if packed.left_out and packed.left_out[0] == passages[0]:  # the best is left out only if it is too large
        assert pack(passages[:1], room, EstimatedTokens()).kept == ()


def turns(*roles: Role) -> tuple[Message, ...]:
    """Return a message of 10 characters for each role, told apart by its number."""
    return tuple(Message(role, f"{number:010}") for number, role in enumerate(roles))


EACH = 10 + MESSAGE_TOKENS


@pytest.mark.parametrize(
    ("roles", "room", "kept"),
    [
        pytest.param(("user", "assistant"), 2 * EACH, [0, 1], id="all fits"),
        pytest.param(("user", "assistant"), 2 * EACH - 1, [], id="an answer goes with its question"),
        pytest.param(("user", "assistant") * 2, 3 * EACH, [2, 3], id="the oldest go first"),
        pytest.param(("user", "user", "assistant"), 2 * EACH, [1, 2], id="a question without an answer"),
        pytest.param(("user", "assistant"), 0, [], id="no room"),
        pytest.param(("user", "assistant"), -5, [], id="less than no room"),
    ],
)
def test_the_oldest_turns_are_dropped_first(roles: tuple[Role, ...], room: int, kept: list[int]) -> None:
    messages = turns(*roles)
    fitted = pack_history(messages, room, Characters())
    assert [messages.index(message) for message in fitted.messages] == kept
    assert fitted.dropped + fitted.messages == messages
    assert fitted.tokens == tokens_of(fitted.messages, Characters())


def test_what_does_not_fit_is_an_error_with_the_figures() -> None:
    window = Window(window_tokens=40, answer_tokens=10)
    require_room(30, window)
    with pytest.raises(PromptTooLong, match="32 tokens where 30 are free") as raised:
        require_room(32, window)
    assert raised.value.data == {"tokens": 32, "room_tokens": 30, "window_tokens": 40, "answer_tokens": 10}
    with pytest.raises(PromptTooLong):
        require_room(1, Window(window_tokens=5, answer_tokens=10))


@given(text=st.text("ab. \n漢", max_size=300), tokens=st.integers(1, 60))
def test_what_is_cut_fits_and_is_the_beginning(text: str, tokens: int) -> None:
    found = fitting(text, tokens, EstimatedTokens())
    assert EstimatedTokens().count(found) <= tokens or found == ""
    assert text.startswith(found)
    assert found == text or EstimatedTokens().count(text) > tokens


def test_it_is_cut_behind_a_sentence() -> None:
    assert fitting("One two three. Four five six. Seven eight nine.", 12, EstimatedTokens()).endswith("six.")


def tool_turns(calls: int, number: int) -> list[Message]:
    """Return a turn in which a tool is called so many times."""
    turn = [Message("user", f"Do it. {number}")]
    for call in range(calls):
        name = f"{number}.{call}"
        turn.append(Message("assistant", "", (ToolCall(name, "look", "{}"),)))
        turn.append(Message("tool", "", (ToolResult(name, "It is there. " * 3),)))
    return [*turn, Message("assistant", "Done.")]


@given(calls=st.lists(st.integers(0, 3), min_size=1, max_size=6), room=st.integers(0, 400))
def test_what_a_tool_answered_stays_with_its_call(calls: list[int], room: int) -> None:
    messages = [message for number, count in enumerate(calls) for message in tool_turns(count, number)]
    kept = pack_history(messages, room, Characters()).messages
    parts = [part for message in kept for part in message.parts]
    called = {part.id for part in parts if isinstance(part, ToolCall)}
    assert called == {part.call_id for part in parts if isinstance(part, ToolResult)}
    assert tokens_of(kept, Characters()) <= room


def test_what_is_said_to_tools_and_by_them_is_counted() -> None:
    _, call, result, _ = tool_turns(1, 1)
    nothing = tokens_of([Message("assistant", "")], Characters())
    assert tokens_of([call], Characters()) > nothing
    assert tokens_of([result], Characters()) > nothing

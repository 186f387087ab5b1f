"""Messages become an input and a history."""

import pytest

from buttress.kernel.messages import Message
from buttress.releases.chat import Turn, has_system, turn_of
from buttress.releases.types import Chat

CHAT = Chat(question="asked")
SYSTEM = Message("system", "Be rude.")
FIRST, REPLY, SECOND = Message("user", "One?"), Message("assistant", "Yes."), Message("user", "Two?")


@pytest.mark.parametrize(
    ("messages", "turn"),
    [
        pytest.param([FIRST], Turn({"asked": "One?"}, ()), id="a question"),
        pytest.param(
            [FIRST, REPLY, SECOND], Turn({"asked": "Two?"}, (FIRST, REPLY)), id="with what was before"
        ),
        pytest.param([SYSTEM, FIRST, SYSTEM], Turn({"asked": "One?"}, ()), id="system messages are left out"),
        pytest.param([FIRST, SECOND], Turn({"asked": "Two?"}, (FIRST,)), id="two questions in a row"),
        pytest.param([FIRST, REPLY], None, id="nothing is asked"),
        pytest.param([SYSTEM], None, id="only a system message"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_turn_of(messages: list[Message], turn: Turn | None) -> None:
    assert turn_of(messages, CHAT) == turn


def test_has_system() -> None:
    assert has_system([FIRST, SYSTEM])
    assert not has_system([FIRST, REPLY])

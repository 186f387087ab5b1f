"""How chat clients ask a feature."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.chatting import compile_chat
from buttress.kernel.located import Located, parse_yaml
from buttress.releases.types import Chat


def located(text: str) -> Located:
    """Return the text of a feature.yaml, read."""
    found = parse_yaml(text or "{}", Path("feature.yaml"))
    assert isinstance(found, Located)
    return found


def schema(*names: str, required: tuple[str, ...] = ()) -> dict[str, object]:
    return {"type": "object", "properties": {name: {} for name in names}, "required": list(required)}


@pytest.mark.parametrize(
    ("text", "given", "chat"),
    [
        pytest.param("", schema("question", "plan"), Chat(question="question"), id="the usual property"),
        pytest.param(
            "", schema("text", "plan", required=("text",)), Chat(question="text"), id="the only required"
        ),
        pytest.param("", schema("a", "b", required=("a", "b")), None, id="more than a question: no chat"),
        pytest.param("", schema("a"), None, id="nothing is required: no chat"),
        pytest.param("chat: {question: b}", schema("a", "b"), Chat(question="b"), id="as declared"),
        pytest.param(
            "chat: {system: ignore}",
            schema("question"),
            Chat(question="question", system="ignore"),
            id="system",
        ),
    ],
)
def test_compile_chat(text: str, given: dict[str, object], chat: Chat | None) -> None:
    assert compile_chat(located(text), given) == chat


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param("\nchat: {question: qestion}", 2, "no property `qestion`", id="a property there is not"),
        pytest.param("\nchat: {system: obey}", 2, "system", id="no such way with system messages"),
        pytest.param("\nchat: {sytem: ignore}", 2, "sytem", id="an unknown key"),
        pytest.param("\nchat: yes", 2, "chat", id="not a mapping"),
    ],
)
def test_mistakes(text: str, line: int, message: str) -> None:
    found = compile_chat(located(text), schema("question"))
    assert isinstance(found, list)
    assert (found[0].where.line, message in found[0].message) == (line, True)
    assert found[0].hint


def test_a_declared_chat_without_a_question_is_a_mistake() -> None:
    found = compile_chat(located("chat: {system: ignore}"), schema("a", "b"))
    assert isinstance(found, list)
    assert "chat: {question: NAME}" in found[0].hint

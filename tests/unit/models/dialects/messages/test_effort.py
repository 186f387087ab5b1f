"""How much a model is to think: what clients ask, what models of each age are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Effort,
    Message,
    ModelRequest,
    TextPart,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from buttress.kernel.messages import Thinking as Thought
from buttress.models.dialects.messages.effort import (
    Thinking,
    effort_of,
    sampling_fields,
    thinking_fields,
)

PLAIN, BUDGETED, MIDDLE, NEW = (
    "claude-3-5-sonnet-20241022",
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-6",
    "claude-opus-5-5",
)
CALL = ToolCall("a", "f", "{}")
RESULT = Message("tool", "", (ToolResult("a", "1"),))


def model(name: str) -> Model:
    """Return the model of that id."""
    return Model(name="m", provider="anthropic", id=name)


def asking(
    effort: Effort | None, *messages: Message, choice: ToolChoice | None = None, top_p: float | None = None
) -> ModelRequest:
    """Return a request for that effort."""
    asked = messages or (Message("user", "Hi?"),)
    return ModelRequest(
        messages=asked, max_tokens=None, effort=effort, tool_choice=choice, temperature=None, top_p=top_p
    )


@pytest.mark.parametrize(
    ("thinking", "word", "effort"),
    [
        pytest.param(None, None, None, id="nothing is asked"),
        pytest.param(Thinking("disabled"), "high", "none", id="disabled goes before the word"),
        pytest.param(Thinking("adaptive"), None, None, id="adaptive leaves it to the model"),
        pytest.param(Thinking("between_tools"), None, None, id="so does thinking between tools"),
        pytest.param(Thinking("adaptive"), "medium", "medium", id="but for the word"),
        pytest.param(None, "max", "xhigh", id="we have no more than xhigh"),
        pytest.param(Thinking("enabled", 40_000), "low", "low", id="a word goes before a budget"),
        pytest.param(Thinking("enabled", 1), None, "minimal", id="a budget below the least"),
        pytest.param(Thinking("enabled", 1_024), None, "minimal", id="the least budget"),
        pytest.param(Thinking("enabled", 8_191), None, "low", id="just below medium"),
        pytest.param(Thinking("enabled", 8_192), None, "medium", id="medium"),
        pytest.param(Thinking("enabled", 10**9), None, "xhigh", id="all there is"),
        pytest.param(Thinking("enabled"), None, None, id="enabled without a budget"),
    ],
)
def test_what_a_client_asks(thinking: Thinking | None, word: str | None, effort: Effort | None) -> None:
    assert effort_of(thinking, word) == effort


def budget(tokens: int) -> dict[str, object]:
    """Return the field that asks for so many tokens of thinking."""
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def words(effort: str, *, adaptive: bool = True) -> dict[str, object]:
    """Return the fields that ask for an effort by its word."""
    thinking: dict[str, object] = {"thinking": {"type": "adaptive"}} if adaptive else {}
    return {**thinking, "output_config": {"effort": effort}}


@pytest.mark.parametrize(
    ("name", "effort", "fields"),
    [
        pytest.param(NEW, None, {}, id="nothing is asked"),
        pytest.param(PLAIN, "high", {}, id="a model that does not think"),
        pytest.param(BUDGETED, "medium", budget(8_192), id="a budget"),
        pytest.param(BUDGETED, "none", {}, id="a budget of none is none"),
        pytest.param(BUDGETED, "xhigh", budget(10_000), id="half of the answer is the most"),
        pytest.param(MIDDLE, "high", words("high"), id="a word, and adaptive thinking"),
        pytest.param(NEW, "xhigh", words("xhigh"), id="the most"),
        pytest.param(NEW, "minimal", words("low"), id="there is nothing below low"),
        pytest.param(NEW, "none", words("low", adaptive=False), id="some cannot be kept from thinking"),
        pytest.param("my-proxy-name", "low", words("low"), id="an unknown model is taken for a new one"),
        pytest.param("claude-opus-4-20250514", "low", budget(2_048), id="Opus 4 by its date"),
        pytest.param("us.anthropic.claude-opus-4-1-20250805-v1:0", "low", budget(2_048), id="on Bedrock"),
        pytest.param("claude-haiku-4-5@20251001", "low", budget(2_048), id="on Vertex"),
        pytest.param("anthropic/claude-3.7-sonnet", "low", budget(2_048), id="by a router's name"),
        pytest.param("claude-sonnet-4", "low", budget(2_048), id="Sonnet 4 without a date"),
        pytest.param("claude-opus-4-8", "low", words("low"), id="Opus 4.8"),
        pytest.param("claude-opus-4-10", "low", words("low"), id="an Opus 4.10, should there be one"),
        pytest.param("claude-haiku-5-5", "low", words("low"), id="Haiku 5.5"),
        pytest.param("claude-3-haiku-20240307", "low", {}, id="Haiku 3"),
        pytest.param("anthropic/claude-3.5-haiku", "low", {}, id="Haiku 3.5 by a router's name"),
        pytest.param("claude-2.1", "low", {}, id="Claude 2"),
    ],
)
def test_what_a_model_is_told(name: str, effort: Effort | None, fields: dict[str, object]) -> None:
    assert thinking_fields(model(name), asking(effort), 20_000) == fields


@given(st.integers(1, 100_000), st.sampled_from(("minimal", "low", "medium", "high", "xhigh")))
def test_a_budget_is_allowed_and_leaves_room_for_an_answer(max_tokens: int, effort: Effort) -> None:
    thinking = thinking_fields(model(BUDGETED), asking(effort), max_tokens).get("thinking")
    if isinstance(thinking, dict):
        assert 1_024 <= thinking["budget_tokens"] < max_tokens
    else:
        assert max_tokens <= 1_024


@pytest.mark.parametrize(
    ("request_", "thinks"),
    [
        pytest.param(asking("low", choice=ToolChoice("required")), False, id="a tool is forced"),
        pytest.param(asking("low", choice=ToolChoice("named", "f")), False, id="this tool is forced"),
        pytest.param(asking("low", choice=ToolChoice("auto")), True, id="a tool is free"),
        pytest.param(
            asking("low", Message("user", "Hi?"), Message("assistant", "", (CALL,)), RESULT),
            False,
            id="in the middle of calls that were made without thinking",
        ),
        pytest.param(
            asking(
                "low", Message("user", "Hi?"), Message("assistant", "", (Thought("hm", "s"), CALL)), RESULT
            ),
            True,
            id="in the middle of calls that were made with thinking",
        ),
        pytest.param(
            asking("low", Message("assistant", "", (CALL,)), RESULT, Message("user", "Go on.")),
            False,
            id="when the user adds a word to what a tool returned",
        ),
        pytest.param(
            asking(
                "low",
                Message("assistant", "", (CALL,)),
                RESULT,
                Message("assistant", "1"),
                Message("user", "b"),
            ),
            True,
            id="after the calls",
        ),
        pytest.param(
            asking("low", Message("user", "a"), Message("assistant", "So")), False, id="it is to go on"
        ),
        pytest.param(
            asking("low", Message("assistant", "a", (TextPart("a"),)), Message("user", "b")),
            True,
            id="after an answer without thinking",
        ),
    ],
)
def test_a_budget_is_left_out_where_it_is_refused(request_: ModelRequest, *, thinks: bool) -> None:
    assert bool(thinking_fields(model(BUDGETED), request_, 20_000)) is thinks


@pytest.mark.parametrize(
    ("name", "temperature", "top_p", "fields"),
    [
        pytest.param(BUDGETED, 0.5, None, {"temperature": 0.5}, id="a temperature"),
        pytest.param(MIDDLE, 1.7, None, {"temperature": 1.0}, id="theirs ends at 1"),
        pytest.param(MIDDLE, 0.5, 0.9, {"temperature": 0.5}, id="not both"),
        pytest.param(PLAIN, None, 0.9, {"top_p": 0.9}, id="a share"),
        pytest.param(PLAIN, None, None, {}, id="neither"),
        pytest.param("claude-opus-4-7", 0.5, 0.9, {}, id="a new model takes neither"),
        pytest.param("claude-sonnet-5-5", 0.5, 0.9, {}, id="a newer one too"),
        pytest.param("my-proxy-name", 0.5, None, {}, id="an unknown model may be a new one"),
    ],
)
def test_how_freely_a_model_draws_its_words(
    name: str, temperature: float | None, top_p: float | None, fields: dict[str, object]
) -> None:
    asked = ModelRequest(messages=(), max_tokens=None, temperature=temperature, top_p=top_p)
    assert sampling_fields(model(name), asked, thinks=False) == fields
    assert sampling_fields(model(name), asked, thinks=True) == {}
